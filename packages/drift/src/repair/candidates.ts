/** Which ways the planner tries, and in which order. */
import { type Difference, objectOf } from "../model/diff.ts";
import { type CatalogObject, keyOf } from "../model/object.ts";
import type { Paired } from "../model/pairs.ts";
import { repairs } from "./repairs.ts";
import type { Catalogs, Way } from "./way.ts";

/** How far the planner goes. It tries the next level only where the one before leads nowhere, and then starts over. */
export type Level = {
  /**
   * Also what only follows its missing parent, such as a sequence that its table's default needs first, and what is in a
   * schema that has to be empty before it goes.
   */
  children?: boolean;
  /** Takes what depends on an object away; it is missing then, and made again. */
  dependents?: boolean;
  destructive?: boolean;
};

export type Candidate = { difference: Difference; ways: Way[] };

/** Names first, then away with the unexpected, the last made first; then changes; then what is missing. */
export function candidates(
  { differences, present: named }: Paired,
  catalogs: Catalogs,
  { children, dependents, destructive }: Level,
): Candidate[] {
  const present = new Set(named.map(keyOf));
  const known = new Set(differences.map((difference) => keyOf(objectOf(difference))));
  const isDeep = children || dependents || destructive;
  const goes = new Set(
    differences.flatMap((one) =>
      one.change === "unexpected" && one.actual.kind === "schema" ? [keyOf(one.actual)] : [],
    ),
  );
  const within: Difference[] = named
    .filter((object) => goes.has(object.parent) && !known.has(keyOf(object)))
    .map((actual) => ({ change: "unexpected", actual }));
  const missing: Difference[] = [...catalogs.expected]
    .filter(([key]) => !present.has(key) && !known.has(key))
    .map(([, expected]) => ({ change: "missing", expected }));
  const inside = new Set(within);
  return [...differences, ...(destructive ? within : []), ...(isDeep ? missing : [])]
    .sort((one, other) => order(one) - order(other))
    .map((difference) => ({
      difference,
      ways: waysOf(difference, catalogs)
        .map((way) =>
          inside.has(difference) ? { ...way, destroys: way.destroys ?? WITH_SCHEMA } : way,
        )
        .filter((way) => (destructive ? way.destroys || way.mayRewrite : !way.destroys)),
    }));
}

function waysOf(difference: Difference, catalogs: Catalogs): Way[] {
  const repair = repairs[objectOf(difference).kind];
  if (!repair) return [];
  if (difference.change === "missing") return repair.create(difference.expected, catalogs);
  if (difference.change === "unexpected") return dropsOf(difference.actual, catalogs);
  const { change, expected, actual } = difference;
  if (change === "renamed") return repair.rename?.(expected, actual) ?? [];
  const [drop] = repairs[actual.kind]?.drop(actual, catalogs) ?? [];
  const [create] = repair.create(expected, catalogs);
  const anew = drop && create ? [{ ...drop, ...create, sql: [...drop.sql, ...create.sql] }] : [];
  const altered =
    expected.kind === actual.kind
      ? repair.alter?.(expected, actual, catalogs)
      : repair.from?.(expected, actual);
  return [...(altered ?? []), ...anew];
}

/** The best way to remove an object. */
export function dropOf(object: CatalogObject, catalogs: Catalogs): Way | undefined {
  return dropsOf(object, catalogs)[0];
}

function dropsOf(object: CatalogObject, catalogs: Catalogs): Way[] {
  const ways = repairs[object.kind]?.drop(object, catalogs) ?? [];
  if (!catalogs.only?.has(keyOf(object))) return ways;
  return ways.map((way) => ({ ...way, destroys: way.destroys ?? ONLY }));
}

const WITH_SCHEMA = "drops what is in a schema that is not declared";
const ONLY = "drops what no file of the project makes, and there are no migrations to ask";

/** The same with all that depends on it. */
export function cascade(object: CatalogObject, catalogs: Catalogs): string[] {
  return (dropOf(object, catalogs)?.sql ?? []).map((sql, i, all) =>
    i === all.length - 1 ? `${sql} CASCADE` : sql,
  );
}

const RANKS = new Map(Object.keys(repairs).map((kind, place) => [kind, place]));
const LAST = RANKS.size;

/** Place of a kind in the order in which objects are made. */
export function rank(kind: string): number {
  return RANKS.get(kind) ?? LAST;
}

function order(difference: Difference): number {
  const place = rank(objectOf(difference).kind);
  if (difference.change === "renamed") return place - 2 * LAST - 1;
  if (difference.change === "unexpected") return -place - 1;
  return difference.change === "changed" ? place : place + LAST + 1;
}
