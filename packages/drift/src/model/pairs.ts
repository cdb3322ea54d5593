/**
 * Differences as people think of them: what has only another name is one, and so is a rule that is kept by an index in one
 * place and by a constraint in the other. Whoever looks for a pair compares what is left of two texts without the name.
 */
import { type Difference, diff } from "./diff.ts";
import { type CatalogObject, keyOf, qualifiedName } from "./object.ts";
import { renamedIn } from "./renamed.ts";

export type Paired = {
  differences: Difference[];
  /** What is there, under the names that it should have: the differences are from this. */
  present: CatalogObject[];
};

type Pair = { change: "renamed" | "changed"; expected: CatalogObject; actual: CatalogObject };

/** In the order in which they are looked for: what is within a table is found once the table is. */
const NAMED: Record<string, (object: CatalogObject, all: CatalogObject[]) => string | null> = {
  table: columnsOf,
  column: ({ definition }) => withoutSequences(definition),
  sequence: ({ definition }) => definition,
  constraint: ({ definition }) => definition,
  index: (object) => withoutName(object, "INDEX"),
  trigger: (object) => withoutName(object, "TRIGGER"),
  policy: ({ definition }) => definition,
};
/** What their names mean is known to people alone: only one that can be no other is a pair. */
export const MEANINGFUL = ["table", "column"];
/** Whose names mean nothing to a row. */
export const HARMLESS = Object.keys(NAMED).filter((kind) => !MEANINGFUL.includes(kind));

/** @param kinds those of which pairs are looked for. */
export function paired(
  expected: CatalogObject[],
  actual: CatalogObject[],
  kinds: string[] = Object.keys(NAMED),
): Paired {
  const pairs: Pair[] = [];
  let present = actual;
  for (const kind of kinds) {
    const found = [...pairsOf(kind, expected, present), ...sameRule(kind, expected, present)];
    for (const pair of found) present = renamedIn(present, pair, expected);
    pairs.push(...found);
  }
  const differences = [...pairs, ...diff(expected, present)];
  return { differences: differences.sort(byKey), present };
}

function byKey(one: Difference, other: Difference): number {
  const key = (difference: Difference) =>
    keyOf("expected" in difference ? difference.expected : difference.actual);
  return key(one) < key(other) ? -1 : 1;
}

/** What is only here and only there, each without what only follows its parent. */
function sidesOf(expected: CatalogObject[], present: CatalogObject[]) {
  const differences = diff(expected, present);
  return {
    missing: differences.flatMap((one) => (one.change === "missing" ? [one.expected] : [])),
    unexpected: differences.flatMap((one) => (one.change === "unexpected" ? [one.actual] : [])),
  };
}

function pairsOf(kind: string, expected: CatalogObject[], present: CatalogObject[]): Pair[] {
  const shape = NAMED[kind];
  if (!shape) return [];
  const { missing, unexpected } = sidesOf(expected, present);
  const byShape = (objects: CatalogObject[], all: CatalogObject[]) => {
    const groups = new Map<string, CatalogObject[]>();
    for (const object of objects) {
      if (object.kind !== kind || shape(object, all) === null) continue;
      const key = [object.schema, object.parent, shape(object, all)].join("\n");
      groups.set(key, [...(groups.get(key) ?? []), object]);
    }
    return groups;
  };
  const wanted = byShape(missing, expected);
  const found = byShape(unexpected, present);
  return [...wanted].flatMap(([text, objects]) => {
    const others = found.get(text) ?? [];
    const isSure = objects.length === 1 && others.length === 1;
    if (MEANINGFUL.includes(kind) && !isSure) return [];
    return objects.flatMap((expected, place) => {
      const actual = others[place];
      return actual ? [{ change: "renamed" as const, expected, actual }] : [];
    });
  });
}

/** A unique index for a unique constraint, or the other way round, whatever their names. */
function sameRule(kind: string, expected: CatalogObject[], present: CatalogObject[]): Pair[] {
  if (kind !== "index") return [];
  const { missing, unexpected } = sidesOf(expected, present);
  const taken = new Set<CatalogObject>();
  return missing.flatMap((expected) => {
    const rule = ruleOf(expected);
    const actual = unexpected.find(
      (other) =>
        rule !== null &&
        !taken.has(other) &&
        other.kind !== expected.kind &&
        ruleOf(other) === rule,
    );
    if (!actual) return [];
    taken.add(actual);
    return [{ change: "changed" as const, expected, actual }];
  });
}

const UNIQUE_INDEX =
  /^CREATE UNIQUE INDEX .* ON (?:ONLY )?\S+ USING btree (\(.*?\))( INCLUDE \(.*?\))?( NULLS NOT DISTINCT)?$/;
const UNIQUE_CONSTRAINT = /^UNIQUE( NULLS NOT DISTINCT)? (\(.*?\))( INCLUDE \(.*?\))?$/;

/** One text for what must be unique where; null for anything else. */
function ruleOf({ kind, parent, definition }: CatalogObject): string | null {
  const [, columns, include = "", nulls = ""] =
    (kind === "index" && UNIQUE_INDEX.exec(definition)) || [];
  if (columns !== undefined) return [parent, columns, include, nulls].join("\n");
  const [, distinct = "", listed, included = ""] =
    (kind === "constraint" && UNIQUE_CONSTRAINT.exec(definition)) || [];
  return listed === undefined ? null : [parent, listed, included, distinct].join("\n");
}

/** Two columns at least: by one alone any two tables might be the same. */
function columnsOf(table: CatalogObject, all: CatalogObject[]): string | null {
  const columns = all
    .filter(({ kind, parent }) => kind === "column" && parent === keyOf(table))
    .map(
      ({ name, definition }) => `${name.slice(table.name.length)} ${withoutSequences(definition)}`,
    );
  return columns.length < 2 ? null : [table.definition, ...columns.sort()].join("\n");
}

/** A serial column has a sequence that is called after it. */
function withoutSequences(definition: string): string {
  return definition.replace(/nextval\('(?:[^']|'')*'::regclass\)/g, "nextval()");
}

function withoutName(object: CatalogObject, word: string): string {
  const table = object.parent.slice(object.parent.indexOf(" ") + 1);
  const own = qualifiedName(object).startsWith(`${table}.`)
    ? qualifiedName(object).slice(table.length + 1)
    : object.name;
  return object.definition.replace(` ${word} ${own} `, ` ${word} `);
}
