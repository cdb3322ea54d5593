/** What the statements of a repair do not know of, and is lost where they make an object anew: it is given back. */
import { codeOf } from "../model/errors.ts";
import { type CatalogObject, keyOf } from "../model/object.ts";
import { split, target } from "./attached.ts";
import type { Plan, Step } from "./plan.ts";
import { repairs } from "./repairs.ts";
import type { Surroundings } from "./task.ts";
import type { Trial } from "./trial.ts";
import { literal, type Way, way } from "./way.ts";

/** A step, and statements that fail on the copy where what the step is about has gone. */
export type Restoration = { step: Step; probe: string[] };

/** Gives what objects have to get back, by the keys of those that were made anew. */
export type Restoring = (anew: string[]) => Restoration[];

/** What everybody may use as soon as it is made. */
const OPEN_TO_ALL =
  /^(function|procedure|aggregate|enum|domain(?! constraint)|composite type|range type) /;
const NO_CATALOGS = { expected: new Map(), actual: new Map() };
const UNDEFINED_COLUMN = "42703";

/** @param sides what is compared: a part of the plan, which makes it again itself. */
export function restoring(
  { safe, destructive }: Plan,
  { attached }: Surroundings,
  sides: Record<"actual" | "expected", CatalogObject[]>,
): Restoring {
  const compared = new Set([
    ...[...sides.actual, ...sides.expected].map(keyOf),
    ...[...safe, ...destructive].map(({ key }) => key),
  ]);
  const filled = new Set(
    sides.expected.filter(({ definition }) => !/WITH NO DATA\s*$/.test(definition)).map(keyOf),
  );
  const hanging = (key: string): Restoration[] =>
    (attached.get(key) ?? [])
      .filter((one) => !compared.has(keyOf(one)))
      .flatMap((one) => [
        ...again(key, keyOf(one), repairs[one.kind]?.create(one, NO_CATALOGS), probeOf(one)),
        ...(keyOf(one) === key ? [] : hanging(keyOf(one))),
      ]);
  const restored = (key: string): Restoration[] => {
    const all = attached.get(key) ?? [];
    const everybody = { kind: "grant", schema: "", name: `on ${key} to PUBLIC`, parent: key };
    const isGiven =
      compared.has(keyOf(everybody)) || all.some((one) => keyOf(one) === keyOf(everybody));
    const taken = attached.size > 0 && OPEN_TO_ALL.test(key) && !isGiven;
    return [
      ...(taken
        ? again(
            key,
            "no grant to PUBLIC",
            repairs.grant?.drop({ ...everybody, definition: "ALL" }, NO_CATALOGS),
          )
        : []),
      ...hanging(key),
      ...(all.some(({ kind }) => kind === "owner") && filled.has(key)
        ? again(key, `rows that the owner of ${key} may see`, refreshed(key))
        : []),
    ];
  };
  return (anew) => anew.flatMap(restored);
}

/** A column of a view that has gone takes what hung on it along. @param trial as the repair has left it. */
export async function lasting(trial: Trial, all: Restoration[]): Promise<Step[]> {
  const steps: Step[] = [];
  for (const { step, probe } of all) {
    let isGone = false;
    await trial.allOrNothing(async () => {
      await trial.run(probe).catch((error) => {
        isGone = codeOf(error) === UNDEFINED_COLUMN;
      });
      return null;
    });
    if (!isGone) steps.push(step);
  }
  return steps;
}

function again(key: string, object: string, [way]: Way[] = [], probe?: string[]): Restoration[] {
  if (!way) return [];
  const step = { reason: `${object}, as before`, key, mends: key, sql: way.sql, destroys: null };
  return [{ step, probe: probe ?? [] }];
}

/** Owners and grants are to roles, which the server of the copy need not have. */
function probeOf(object: CatalogObject): string[] {
  if (object.kind === "owner") return [];
  if (object.kind !== "grant")
    return repairs[object.kind]?.create(object, NO_CATALOGS)[0]?.sql ?? [];
  const { kind, name } = target(object.name.slice("on ".length, object.name.lastIndexOf(" to ")));
  if (kind !== "column") return [];
  const { whole, member } = split(name);
  return [`COMMENT ON COLUMN ${whole}.${member} IS NULL`];
}

/**
 * A materialized view was filled by whoever repairs, whom policies may not hold as they hold its owner. One whose owner may not read
 * what it needs has been filled by others before.
 */
function refreshed(key: string): Way[] {
  const [, name] = /^materialized view (.*)$/s.exec(key) ?? [];
  if (name === undefined) return [];
  const refresh = `BEGIN REFRESH MATERIALIZED VIEW ${name}; EXCEPTION WHEN insufficient_privilege THEN NULL; END`;
  return way(
    "SET LOCAL row_security = on",
    `DO ${literal(refresh)}`,
    "SET LOCAL row_security = off",
  );
}
