/**
 * Finds the statements that make one catalog another. It knows no kind and reads no SQL: it tries the ways of each
 * difference in a database where that costs nothing, reads the catalog again, and goes on with what still differs.
 * Order is what PostgreSQL accepted.
 */
import { type Difference, diff, objectOf } from "../model/diff.ts";
import { type CatalogObject, keyOf, qualifiedName } from "../model/object.ts";
import { type Paired, paired } from "../model/pairs.ts";
import { assumptions, byKey, overlay } from "./assumptions.ts";
import { candidates, cascade, dropOf, type Level, rank } from "./candidates.ts";
import { afterCommit, HELPLESS, refusal } from "./refusals.ts";
import type { Trial } from "./trial.ts";
import type { Catalogs, Way } from "./way.ts";

export type Step = {
  /** What the step mends, for people: `changed column public.users.email`. */
  reason: string;
  /** Key of the object that the step is about, and of the one for whose sake it is taken. */
  key: string;
  mends: string;
  sql: string[];
  /** What is lost for good, in words. */
  destroys: string | null;
  /** Tables whose rows are all written anew, and how large they are where that is known. */
  rewrites?: string[];
};

export type Plan = {
  /** Steps that lose nothing. */
  safe: Step[];
  /** Steps that lose something, and those that have to wait for them. */
  destructive: Step[];
  /** Differences that no way removes, with PostgreSQL's reason. */
  unresolved: { key: string; reason: string; error: string }[];
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

/** A way that leads back to the same difference is not taken for ever. */
const MOST_REPEATS = 4;

/** What a step is about, and the mark of the way that it took. */
type Attempt = { difference: Difference; mark: string };

/** How many steps a pass has taken, and how many of them were about what has differed from the beginning. */
type Taken = { count: number; first: number; attempts: Attempt[] };

export type PlanOptions = {
  /** What is there, where the trial is only a copy of it. */
  actual?: CatalogObject[];
  /** Takes no way whose result the rest of the transaction cannot use. */
  onlyUsable?: boolean;
  /** Keys of what is written down nowhere else. */
  only?: ReadonlySet<string>;
  /** The trial becomes a copy for other trials, for which secrets need not be right. */
  isCopy?: boolean;
};

export async function plan(
  trial: Trial,
  expected: CatalogObject[],
  { actual, onlyUsable = false, isCopy = false, only = new Set() }: PlanOptions = {},
): Promise<Plan> {
  const result: Plan = { safe: [], destructive: [], unresolved: [] };
  let taken = new Map<string, number>();
  /** Ways that have led nowhere, until another one leads on. */
  const spent = new Set<string>();
  const errors = new Map<string, string>();
  /** Statements that would help if what they make could be used in the same transaction. */
  const postponed = new Map<string, string>();
  // What the trial could not be made to have is taken to be there, until a step has dealt with it.
  let assumed = actual ? assumptions(actual, await trial.read()) : new Map();
  const read = async () => overlay(await trial.read(), assumed);
  let present = await read();
  // A name that cannot be given is no way: then what has it is dropped, and the other made.
  let isPaired = !isCopy;
  const compare = () => (isPaired ? paired(expected, present) : unpaired(expected, present));
  const known = new Set(compare().differences.map(reasonOf));
  let level = 0;
  for (;;) {
    const compared = compare();
    const { differences } = compared;
    const limits = LEVELS[level];
    if (!limits && differences.some(({ change }) => change === "renamed")) {
      isPaired = false;
      for (const difference of compare().differences) known.add(reasonOf(difference));
      level = 0;
      continue;
    }
    if (differences.length === 0 || !limits) {
      result.unresolved = differences.map((difference) => {
        const reason = reasonOf(difference);
        const key = keyOf(objectOf(difference));
        const error = errors.get(reason) ?? HELPLESS;
        const later = postponed.get(reason);
        return { key, reason, error: later === undefined ? error : afterCommit(later, error) };
      });
      return result;
    }
    if (limits.destructive && result.destructive.length === 0) keepWhole(differences);
    const done = await passWithoutIdle(compared, limits);
    if (!done) continue;
    if (done.first > 0) spent.clear();
    level = done.count > 0 ? 0 : level + 1;
  }

  /**
   * What is as it was after its step waits for something else: a CHECK shows the type that its column has, and GRANT on a
   * name gives it to the materialized view that has the name of a view yet. Then all of the pass is undone, and null is given: what the step took away with its object is there again for the next one, without it.
   */
  async function passWithoutIdle(compared: Paired, limits: Level): Promise<Taken | null> {
    const forget = remember();
    const done = await trial.allOrNothing(async () => {
      const done = await pass(compared, limits);
      if (done.count > 0) present = await read();
      const now = byKey(present);
      const idle = done.attempts.filter(({ difference }) => isAsBefore(difference, now));
      for (const { difference, mark } of idle) {
        spent.add(mark);
        errors.set(reasonOf(difference), "Statements for it ran, and it is as it was.");
      }
      return idle.length > 0 ? null : done;
    });
    if (done) return done;
    forget();
    present = await read();
    return null;
  }

  /** Gives what takes the notes of a pass back. */
  function remember(): () => void {
    const lengths = [result.safe.length, result.destructive.length] as const;
    const notes = [new Map(taken), new Map(assumed)] as const;
    return () => {
      [result.safe.length, result.destructive.length] = lengths;
      [taken, assumed] = notes;
    };
  }

  /** What was taken away to be made again, and cannot be before something is destroyed, makes all of it wait. */
  function keepWhole(differences: Difference[]): void {
    if (differences.every((difference) => known.has(reasonOf(difference)))) return;
    result.destructive.push(...result.safe.splice(0));
  }

  /** Tries every difference once, so that what is taken away for one of them is out of the way of the others too. */
  async function pass(compared: Paired, limits: Level): Promise<Taken> {
    const catalogs = { expected: byKey(expected), actual: byKey(present), only };
    let [count, first] = [0, 0];
    const attempts: Attempt[] = [];
    let isShaken = false;
    for (const { difference, ways } of candidates(compared, catalogs, limits)) {
      // A type that was made anew, or a column with another name, changes others too: nothing more has to be destroyed for them.
      if (limits.destructive && isShaken && !isAsBefore(difference, byKey(await read()))) continue;
      for (const way of ways) {
        const isLater = onlyUsable && way.usableAfterCommit === true;
        if (isLater) postponed.set(reasonOf(difference), way.sql.join("; "));
        if (isLater || (way.hidesSecret && !isCopy)) continue;
        const mark = signature(difference, way);
        if (spent.has(mark) || (taken.get(mark) ?? 0) >= MOST_REPEATS) continue;
        const steps = limits.dependents
          ? await takeWithDependents(difference, way, catalogs, limits)
          : await take(difference, way, limits);
        if (!steps) continue;
        taken.set(mark, (taken.get(mark) ?? 0) + 1);
        const waits = limits.destructive || result.destructive.length > 0;
        (waits ? result.destructive : result.safe).push(...steps);
        assumed.delete(keyOf(objectOf(difference)));
        count++;
        if (known.has(reasonOf(difference))) first++;
        if (shakes(difference)) isShaken = true;
        attempts.push({ difference, mark });
        break;
      }
    }
    return { count, first, attempts };
  }

  async function take(difference: Difference, way: Way, limits: Level): Promise<Step[] | null> {
    const reason = reasonOf(difference);
    const key = keyOf(objectOf(difference));
    const { sql, destroys, mayRewrite, keepsValues = false, readsOtherwise } = way;
    const step = { reason, key, mends: key, sql };
    try {
      return await trial.allOrNothing(async () => {
        const before = mayRewrite && (await trial.filesOf(mayRewrite));
        await trial.run(sql);
        const rewrites = mayRewrite && before !== (await trial.filesOf(mayRewrite));
        if ((!rewrites && !readsOtherwise) || keepsValues)
          return [{ ...step, destroys: destroys ?? null }];
        errors.set(reason, readsOtherwise ?? "The rows would have to be rewritten.");
        return limits.destructive ? [{ ...step, destroys: readsOtherwise ?? REWRITE }] : null;
      });
    } catch (error) {
      errors.set(reason, refusal(error, assumed.has(key)));
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
      const way = dropOf(object, catalogs);
      // What comes back must come back whole.
      if (!way || (way.destroys && (isWanted || !destructive))) continue;
      try {
        await trial.run(way.sql);
      } catch {
        continue; // Something else among them depends on this one.
      }
      waiting.splice(place, 1);
      const again = isWanted ? ", and is made again" : "";
      const [key, mends] = [keyOf(object), keyOf(needs)];
      const reason = `${key} depends on ${mends}${again}`;
      return { reason, key, mends, sql: way.sql, destroys: way.destroys ?? null };
    }
    return null;
  }
}

/** True for an object itself and all that belongs to it. */
function isWithin(object: CatalogObject, whole: CatalogObject, { actual }: Catalogs): boolean {
  if (keyOf(object) === keyOf(whole)) return true;
  const parent = actual.get(object.parent);
  return parent !== undefined && isWithin(parent, whole, { actual, expected: actual });
}

/** True where nothing has become of what a step was to make, change or take away. */
function isAsBefore(difference: Difference, now: ReadonlyMap<string, CatalogObject>): boolean {
  const { change } = difference;
  if (change === "renamed") return false;
  if (change === "missing") return !now.has(keyOf(difference.expected));
  return now.get(keyOf(difference.actual))?.definition === difference.actual.definition;
}

/** True where others may no longer differ after it. */
function shakes(difference: Difference): boolean {
  if (difference.change === "renamed") return true;
  return difference.change === "changed" && difference.actual.kind !== "column";
}

function unpaired(expected: CatalogObject[], present: CatalogObject[]): Paired {
  return { differences: diff(expected, present), present };
}

function reasonOf(difference: Difference): string {
  if (difference.change === "renamed")
    return `renamed ${keyOf(difference.actual)} to ${qualifiedName(difference.expected)}`;
  return `${difference.change} ${keyOf(objectOf(difference))}`;
}

function signature(difference: Difference, { sql }: Way): string {
  return [reasonOf(difference), ...sql].join("\n");
}
