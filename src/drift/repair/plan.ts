/**
 * Finds the statements that make one catalog another. It knows no kind and reads no SQL: it tries the ways of each
 * difference in a database where that costs nothing, reads the catalog again, and goes on with what still differs.
 * Order is what PostgreSQL accepted.
 */
import { type Difference, diff, objectOf } from "../diff.ts";
import { messageOf } from "../errors.ts";
import { type CatalogObject, keyOf } from "../object.ts";
import { repairs } from "./repairs.ts";
import type { Trial } from "./trial.ts";
import type { Catalogs, Way } from "./way.ts";

export type Step = {
  /** What the step mends, for people: `changed column public.users.email`. */
  reason: string;
  sql: string[];
  /** What is lost for good, in words. */
  destroys: string | null;
};

export type Plan = {
  /** Steps that lose nothing. */
  safe: Step[];
  /** Steps that lose something, and those that have to wait for them. */
  destructive: Step[];
  /** Differences that no way removes, with PostgreSQL's reason. */
  unresolved: { reason: string; error: string }[];
};

/** How far the planner goes. It tries the next level only where the one before leads nowhere, and then starts over. */
type Level = {
  /** Also what only follows its missing parent, such as a sequence that its table's default needs first. */
  children?: boolean;
  /** Takes what depends on an object away; it is missing then, and made again. */
  dependents?: boolean;
  destructive?: boolean;
};

const LEVELS: Level[] = [
  {},
  { children: true },
  { dependents: true },
  { destructive: true },
  { destructive: true, dependents: true },
];

const REWRITE =
  "rewrites every row of the table, and a value that does not fit is cut or makes it fail";

const HELPLESS =
  "The kind is not one that can be repaired, or its definition hides a secret that only you know.";

/** A way that leads back to the same difference is not taken for ever. */
const MOST_REPEATS = 4;

type Candidate = { difference: Difference; ways: Way[] };

export type PlanOptions = {
  /** What is there, where the trial is only a copy of it. */
  actual?: CatalogObject[];
  /** Takes no way whose result the rest of the transaction cannot use. */
  onlyUsable?: boolean;
  /** The trial becomes a copy for other trials, for which secrets need not be right. */
  isCopy?: boolean;
};

export async function plan(
  trial: Trial,
  expected: CatalogObject[],
  { actual, onlyUsable = false, isCopy = false }: PlanOptions = {},
): Promise<Plan> {
  const result: Plan = { safe: [], destructive: [], unresolved: [] };
  const taken = new Map<string, number>();
  const errors = new Map<string, string>();
  // What the trial could not be made to have is taken to be there, until a step has dealt with it.
  const assumed = actual ? assumptions(actual, await trial.read()) : new Map();
  const read = async () => overlay(await trial.read(), assumed);
  let present = await read();
  const known = new Set(diff(expected, present).map(reasonOf));
  let level = 0;
  for (;;) {
    const differences = diff(expected, present);
    const limits = LEVELS[level];
    if (differences.length === 0 || !limits) {
      result.unresolved = differences.map((difference) => {
        const reason = reasonOf(difference);
        return { reason, error: errors.get(reason) ?? HELPLESS };
      });
      return result;
    }
    if (limits.destructive && result.destructive.length === 0) keepWhole(differences);
    const progressed = await pass(differences, limits);
    if (progressed) present = await read();
    level = progressed ? 0 : level + 1;
  }

  /** What was taken away to be made again, and cannot be before something is destroyed, makes all of it wait. */
  function keepWhole(differences: Difference[]): void {
    if (differences.every((difference) => known.has(reasonOf(difference)))) return;
    result.destructive.push(...result.safe.splice(0));
  }

  /** Tries every difference once, so that what is taken away for one of them is out of the way of the others too. */
  async function pass(differences: Difference[], limits: Level): Promise<boolean> {
    const catalogs = { expected: byKey(expected), actual: byKey(present) };
    let progressed = false;
    for (const { difference, ways } of candidates(differences, catalogs, limits)) {
      for (const way of ways) {
        if ((onlyUsable && way.usableAfterCommit) || (way.hidesSecret && !isCopy)) continue;
        if ((taken.get(signature(difference, way)) ?? 0) >= MOST_REPEATS) continue;
        const steps = limits.dependents
          ? await takeWithDependents(difference, way, catalogs, limits)
          : await take(difference, way, limits);
        if (!steps) continue;
        taken.set(signature(difference, way), (taken.get(signature(difference, way)) ?? 0) + 1);
        const waits = limits.destructive || result.destructive.length > 0;
        (waits ? result.destructive : result.safe).push(...steps);
        assumed.delete(keyOf(objectOf(difference)));
        progressed = true;
        break;
      }
    }
    return progressed;
  }

  async function take(difference: Difference, way: Way, limits: Level): Promise<Step[] | null> {
    const reason = reasonOf(difference);
    const { sql, destroys, mayRewrite } = way;
    try {
      return await trial.allOrNothing(async () => {
        const before = mayRewrite && (await trial.filesOf(mayRewrite));
        await trial.run(sql);
        const rewrites = mayRewrite && before !== (await trial.filesOf(mayRewrite));
        if (!rewrites) return [{ reason, sql, destroys: destroys ?? null }];
        errors.set(reason, "The rows would have to be rewritten.");
        return limits.destructive ? [{ reason, sql, destroys: REWRITE }] : null;
      });
    } catch (error) {
      errors.set(reason, messageOf(error));
      return null;
    }
  }

  /** Drops what depends on the object, one by one and only as much as it takes, until the way is free. */
  async function takeWithDependents(
    difference: Difference,
    way: Way,
    catalogs: Catalogs,
    limits: Level,
  ): Promise<Step[] | null> {
    const present = "actual" in difference ? difference.actual : null;
    if (!present) return null;
    const waiting = (await trial.lostBy(cascade(present, catalogs)))
      .filter((object) => !isWithin(object, present, catalogs))
      .sort((one, other) => rank(other.kind) - rank(one.kind));
    return trial.allOrNothing(async () => {
      const dropped: Step[] = [];
      for (;;) {
        const steps = await take(difference, way, limits);
        if (steps) return [...dropped, ...steps];
        const step = await dropFirst(waiting, present, catalogs, limits);
        if (!step) return null;
        dropped.push(step);
      }
    });
  }

  async function dropFirst(
    waiting: CatalogObject[],
    needs: CatalogObject,
    catalogs: Catalogs,
    { destructive }: Level,
  ): Promise<Step | null> {
    for (const [place, object] of waiting.entries()) {
      const isWanted = catalogs.expected.has(keyOf(object));
      const [way] = repairs[object.kind]?.drop(object, catalogs) ?? [];
      // What comes back must come back whole.
      if (!way || (way.destroys && (isWanted || !destructive))) continue;
      try {
        await trial.run(way.sql);
      } catch {
        continue; // Something else among them depends on this one.
      }
      waiting.splice(place, 1);
      const again = isWanted ? ", and is made again" : "";
      const reason = `${keyOf(object)} depends on ${keyOf(needs)}${again}`;
      return { reason, sql: way.sql, destroys: way.destroys ?? null };
    }
    return null;
  }
}

/** Away with the unexpected first, the last made first; then changes; then what is missing. */
function candidates(
  differences: Difference[],
  catalogs: Catalogs,
  { children, dependents, destructive }: Level,
): Candidate[] {
  const known = new Set(differences.map((difference) => keyOf(objectOf(difference))));
  const deeper: Difference[] =
    children || dependents || destructive
      ? [...catalogs.expected]
          .filter(([key]) => !catalogs.actual.has(key) && !known.has(key))
          .map(([, expected]) => ({ change: "missing", expected }))
      : [];
  return [...differences, ...deeper]
    .sort((one, other) => order(one) - order(other))
    .map((difference) => ({
      difference,
      ways: waysOf(difference, catalogs).filter((way) =>
        destructive ? way.destroys || way.mayRewrite : !way.destroys,
      ),
    }));
}

function waysOf(difference: Difference, catalogs: Catalogs): Way[] {
  const repair = repairs[objectOf(difference).kind];
  if (!repair) return [];
  if (difference.change === "missing") return repair.create(difference.expected, catalogs);
  if (difference.change === "unexpected") return repair.drop(difference.actual, catalogs);
  const { expected, actual } = difference;
  const [drop] = repair.drop(actual, catalogs);
  const [create] = repair.create(expected, catalogs);
  const anew = drop && create ? [{ ...drop, ...create, sql: [...drop.sql, ...create.sql] }] : [];
  return [...(repair.alter?.(expected, actual, catalogs) ?? []), ...anew];
}

function cascade(object: CatalogObject, catalogs: Catalogs): string[] {
  const [way] = repairs[object.kind]?.drop(object, catalogs) ?? [];
  return (way?.sql ?? []).map((sql, i, all) => (i === all.length - 1 ? `${sql} CASCADE` : sql));
}

const RANKS = new Map(Object.keys(repairs).map((kind, place) => [kind, place]));
const LAST = RANKS.size;

function rank(kind: string): number {
  return RANKS.get(kind) ?? LAST;
}

function order(difference: Difference): number {
  const place = rank(objectOf(difference).kind);
  if (difference.change === "unexpected") return -place - 1;
  return difference.change === "changed" ? place : place + LAST + 1;
}

/** True for an object itself and all that belongs to it. */
function isWithin(object: CatalogObject, whole: CatalogObject, { actual }: Catalogs): boolean {
  if (keyOf(object) === keyOf(whole)) return true;
  const parent = actual.get(object.parent);
  return parent !== undefined && isWithin(parent, whole, { actual, expected: actual });
}

function reasonOf(difference: Difference): string {
  return `${difference.change} ${keyOf(objectOf(difference))}`;
}

function signature(difference: Difference, { sql }: Way): string {
  return [reasonOf(difference), ...sql].join("\n");
}

/** Where the trial is not what it stands for: the object as it should be, or null where there should be none. */
function assumptions(
  wanted: CatalogObject[],
  found: CatalogObject[],
): Map<string, CatalogObject | null> {
  const [target, present] = [byKey(wanted), byKey(found)];
  const isSame = (key: string) => target.get(key)?.definition === present.get(key)?.definition;
  const keys = [...new Set([...target.keys(), ...present.keys()])].filter((key) => !isSame(key));
  return new Map(keys.map((key) => [key, target.get(key) ?? null]));
}

function overlay(
  found: CatalogObject[],
  assumed: Map<string, CatalogObject | null>,
): CatalogObject[] {
  const others = found.filter((object) => !assumed.has(keyOf(object)));
  return [...others, ...[...assumed.values()].filter((object) => object !== null)];
}

function byKey(objects: CatalogObject[]): Map<string, CatalogObject> {
  return new Map(objects.map((object) => [keyOf(object), object]));
}
