/** A repair that was tried: planned on a copy of the live schema, run there once more with rows, and compared. */
import type pg from "pg";
import { inReadTransaction } from "../catalog/catalog.ts";
import { differingKeys, unlikeKeys } from "../model/diff.ts";
import { type CatalogObject, keyOf } from "../model/object.ts";
import { fewOf } from "../model/words.ts";
import { byKey } from "./assumptions.ts";
import { isOrderAlone } from "./enums.ts";
import { foundation, withFoundation } from "./foundation.ts";
import { isFiring } from "./indexes.ts";
import { type Plan, plan, type Step } from "./plan.ts";
import { firstLoss, type Proved, prove } from "./proof.ts";
import { ELSEWHERE } from "./refusals.ts";
import { restoring } from "./restored.ts";
import { stated } from "./state.ts";
import { NO_SURROUNDINGS, type RepairTask, type Surroundings } from "./task.ts";
import { committing, inTransaction, type Reader } from "./trial.ts";

export type Proposal = Plan & {
  /** Null when the whole repair was proved, else why it was not. */
  doubt: string | null;
  /** The same of the steps that lose nothing, when they are run alone. */
  safeDoubt: string | null;
  /** What rows have lost when all of it was run, in words. */
  losses: string[];
};

/** Makes `actual` in the empty scratch database, and finds there what makes it `expected`. */
export async function propose(
  scratch: pg.Client,
  { actual, expected, reader, only, surroundings = NO_SURROUNDINGS }: RepairTask,
): Promise<Proposal> {
  const stands = foundation(surroundings.beside, actual, expected);
  const copied = actual.map(copiable);
  const copy = await committing(scratch, withFoundation(reader, stands));
  await plan(copy, [...copied, ...stands], { isCopy: true });
  const without = differingKeys(copied, await inReadTransaction(scratch, () => reader(scratch)));
  const left = without.filter((key) => FOR_SUPERUSERS.test(key) && isSame(key, actual, expected));
  const others = (objects: CatalogObject[]) =>
    objects.filter((object) => !left.includes(keyOf(object)) && !left.includes(object.parent));
  const uncopied = without.filter((key) => !left.includes(key));
  const proposal = await planFrom(scratch, {
    actual: others(actual),
    expected: others(expected),
    reader,
    surroundings,
    ...(only && { only }),
  });
  if (uncopied.length === 0) return proposal;
  const isForbidden = uncopied.some((key) => isEventTrigger(key) || key.startsWith("owner of "));
  const doubt = `not all of the live schema could be copied: ${fewOf(uncopied)}${isForbidden ? ` (${ELSEWHERE})` : ""}`;
  return { ...proposal, doubt, safeDoubt: doubt };
}

/**
 * No statement makes an index that is not valid, but for that of a partitioned table, and only a superuser's switches the triggers
 * of a key. The copy has a valid one, and switched on, with which all statements about it do the same; that it differs the
 * plan is told.
 */
function copiable(object: CatalogObject): CatalogObject {
  const { sql, state } = stated(object.definition);
  const kept = state.filter((one) => !isUncopiable(one, object.kind, sql));
  return kept.length === state.length
    ? object
    : { ...object, definition: [sql, ...kept].join("; ") };
}

function isUncopiable(state: string, kind: string, sql: string): boolean {
  if (kind === "index") return state === "INVALID" && !sql.includes(" ON ONLY ");
  return kind === "constraint" && isFiring(state);
}

/** Of the keys that may differ those that the copy has otherwise, and that are expected to be as they are. */
function uncopiable(known: ReadonlySet<string>, expected: CatalogObject[]): Set<string> {
  const keys = expected.filter((one) => copiable(one) !== one).map(keyOf);
  return new Set(keys.filter((key) => known.has(key)));
}

/** No owner of a database makes one. While it stays as it is, no step is about it, and the copy does without. */
const FOR_SUPERUSERS =
  /^(event trigger|operator class|operator family|text search parser|text search template) /;

function isEventTrigger(key: string): boolean {
  return key.startsWith("event trigger ");
}

/** True where it is on both sides, with all that belongs to it. */
function isSame(key: string, ...sides: CatalogObject[][]): boolean {
  const [one = [], other = []] = sides.map((objects) =>
    objects.filter((object) => keyOf(object) === key || object.parent === key),
  );
  return differingKeys(one, other).length === 0;
}

type Trying = { expected: CatalogObject[]; reader: Reader } & Partial<RepairTask>;

/** The same where the scratch database has the objects already. It is left as it was. */
export async function planFrom(
  scratch: pg.Client,
  { actual, expected, reader, only, surroundings = NO_SURROUNDINGS }: Trying,
): Promise<Proposal> {
  const planned = (onlyUsable: boolean) =>
    inTransaction(scratch, reader, (trial) =>
      plan(trial, expected, { onlyUsable, ...(actual && { actual }), ...(only && { only }) }),
    );
  const first = await planned(false);
  const found = first.unresolved.length > 0 ? await planned(true) : first;
  const present = await inTransaction(scratch, reader, (trial) => trial.read());
  const known = unlikeKeys(expected, present);

  const task = {
    expected,
    reader,
    restoring: restoring(found, surroundings, { actual: actual ?? [], expected }),
  };
  const { steps, proved: safely } = await harmless(scratch, found, { ...task, known });
  const all = [...steps.safe, ...steps.destructive];
  // What the safe steps have given back may be lost to the others once more.
  const from = safely.doubt === null ? steps.safe.length : 0;
  const wholly =
    steps.destructive.length === 0
      ? null
      : await prove(scratch, all, { ...task, known: uncopiable(known, expected), from });
  const { doubt, losses } = wholly ?? safely;
  const [wanted, had] = [byKey(expected), byKey(present)];
  const needed = found.unresolved.filter(({ key }) => !isOrderAlone(wanted.get(key), had.get(key)));
  return {
    ...withConsequences(steps, [safely, wholly], surroundings),
    doubt: doubtOf(found.unresolved) ?? doubt ?? inTheWay(all, surroundings),
    safeDoubt: doubtOf(needed) ?? safely.doubt ?? inTheWay(steps.safe, surroundings),
    losses,
  };
}

function doubtOf(unresolved: Plan["unresolved"]): string | null {
  if (unresolved.length === 0) return null;
  return `no statements were found for: ${fewOf(unresolved.map(({ reason }) => reason))}`;
}

/** What takes an object, or the type of a column, away from something that the copy has not. */
const TAKES_AWAY = /^DROP | DROP (COLUMN|CONSTRAINT|ATTRIBUTE) |ALTER (COLUMN|ATTRIBUTE) .+ TYPE /;

function inTheWay(steps: Step[], { dependants }: Surroundings): string | null {
  for (const { key, sql } of steps) {
    const names = dependants.get(key);
    if (names && sql.some((statement) => TAKES_AWAY.test(statement)))
      return `${fewOf(names)}, in a schema that is not compared, depends on ${key}`;
  }
  return null;
}

type Task = Parameters<typeof prove>[2];

/** Whatever the plan thinks of its steps: one with which rows lose something, and all after it, are not safe. */
async function harmless(
  scratch: pg.Client,
  plan: Plan,
  task: Task,
): Promise<{ steps: Plan; proved: Proved }> {
  const proved = await prove(scratch, plan.safe, task);
  if (proved.losses.length === 0) return { steps: plan, proved };
  const place = await firstLoss(scratch, plan.safe, task);
  const moved = plan.safe
    .slice(place)
    .map((step, i) => (i === 0 ? { ...step, destroys: proved.losses.join(", ") } : step));
  const steps = {
    ...plan,
    safe: plan.safe.slice(0, place),
    destructive: [...moved, ...plan.destructive],
  };
  return harmless(scratch, steps, task);
}

/** Which tables the proof has seen each step write anew, and what has to be given back at the end of each part. */
function withConsequences(
  { safe, destructive, unresolved }: Plan,
  [safely, wholly]: [Proved, Proved | null],
  { sizes }: Surroundings,
): Plan {
  const sized = (table: string) => (sizes.has(table) ? `${table} (${sizes.get(table)})` : table);
  const rewriting = (steps: Step[], { rewrites }: Proved, from: number) =>
    steps.map((step, i) => {
      const tables = rewrites.get(from + i);
      return tables ? { ...step, rewrites: tables.map(sized) } : step;
    });
  return {
    safe: [...rewriting(safe, safely, 0), ...safely.restored],
    destructive: wholly
      ? [...rewriting(destructive, wholly, safe.length), ...wholly.restored]
      : destructive,
    unresolved,
  };
}

export function statements(steps: Step[]): string[] {
  return steps.flatMap(({ sql }) => sql);
}

/** How far the statements of a repair can be trusted. */
export function proofOf({ doubt }: { doubt: string | null }): string {
  return doubt === null
    ? "proved on a copy of the schema with invented rows"
    : `not proved: ${doubt}`;
}
