/** Values for synthetic rows: for a type and the number of a row a literal that tells it from the other rows. */

import type { ValueType } from "./value-types.ts";

/**
 * What a CHECK says of a value is not parsed: of texts that it names one may be the value ("told"), and numbers that it names
 * may be the least ("far").
 */
export type Guess = "told" | "plain" | "far";

/** A literal of the type as text; null where no value is known. */
export function sample(type: ValueType, row: number, guess: Guess = "plain"): string | null {
  const { name, category, labels, attributes, element, bounds } = type;
  if (labels.length > 0) return labels[row % labels.length] ?? null;
  if (attributes)
    return `(${attributes.map((one) => part(sample(one, row, guess), "")).join(",")})`;
  if (element) return `{${part(sample(element, row, guess), "NULL")}}`;
  if (bounds) return span(bounds, row);
  const told = guess === "told" && category === "S" ? textsIn(type) : [];
  if (told.length > 0) return told[row % told.length] ?? null;
  const from = guess === "far" && category === "N" ? farthestIn(type) + row : row;
  return (BY_NAME[name] ?? BY_CATEGORY[category])?.(from, type) ?? null;
}

/** How many rows it takes until each label of an enum in it, and each text that a CHECK names, has been used. */
export function labelsIn(type: ValueType): number {
  const { labels, attributes, element, bounds } = type;
  const inner = [...(attributes ?? []), ...(element ? [element] : []), ...(bounds ? [bounds] : [])];
  return Math.max(labels.length, textsIn(type).length, ...inner.map(labelsIn));
}

function textsIn({ checks }: ValueType): string[] {
  const literals = checks.flatMap((check) => [...check.matchAll(/'((?:[^']|'')*)'/g)]);
  return literals.map(([, text = ""]) => text.replaceAll("''", "'"));
}

function farthestIn({ checks }: ValueType): number {
  const numbers = checks.flatMap((check) => [...check.matchAll(/\d+/g)].map(Number));
  return Math.max(0, ...numbers.filter((number) => number < 1e9));
}

/** From a value to the same, which is never empty and never the wrong way round; of ranges a list. */
function span(bounds: ValueType, row: number): string | null {
  const value = sample(bounds, row);
  if (value === null) return null;
  return bounds.bounds ? `{${value}}` : `[${part(value, "")},${part(value, "")}]`;
}

/** Within a composite, an array or a range. */
function part(value: string | null, none: string): string {
  return value === null ? none : `"${value.replace(/["\\]/g, "\\$&")}"`;
}

type Make = (row: number, type: ValueType) => string;

const two = (row: number) => String(row + 10).slice(-2);

const BY_NAME: Record<string, Make> = {
  int2: (row) => String(row + 1),
  int4: (row) => String(row + 1),
  int8: (row) => String(row + 1),
  oid: (row) => String(row + 1),
  numeric: (row, { scale }) =>
    scale === 0 ? String(row + 1) : `${row + 1}.${"5625".slice(0, scale ?? 4)}`,
  float4: (row) => `${row + 1}.5`,
  float8: (row) => `${row + 1}.0625`,
  money: (row) => `${row + 1}.25`,
  bool: (row) => String(row % 2 === 0),
  date: (row) => `2001-02-${two(row)}`,
  timestamp: (row) => `2001-02-${two(row)} 03:04:05.678`,
  timestamptz: (row) => `2001-02-${two(row)} 03:04:05.678+00`,
  time: (row) => `03:04:${two(row)}.678`,
  timetz: (row) => `03:04:${two(row)}.678+00`,
  interval: (row) => `${row + 1} days 01:02:03.5`,
  uuid: (row) => `00000000-0000-4000-8000-0000000000${two(row)}`,
  json: (row) => `{"row": ${row + 1}}`,
  jsonb: (row) => `{"row": ${row + 1}}`,
  bytea: (row) => `\\x00${two(row)}`,
  inet: (row) => `10.0.0.${row + 1}`,
  cidr: (row) => `10.0.${row + 1}.0/24`,
  macaddr: (row) => `08:00:2b:01:02:${two(row)}`,
  bit: (row, { length }) => (row % 2 === 0 ? "1" : "0").repeat(length ?? 1),
  varbit: (row, { length }) => "101".slice(0, length ?? 3).slice(0, row + 1),
  xml: (row) => `<row>${row + 1}</row>`,
  tsvector: (row) => `word${row + 1}`,
  tsquery: (row) => `word${row + 1}`,
  point: (row) => `(${row + 1},2)`,
  box: (row) => `((${row + 1},2),(0,0))`,
  circle: (row) => `<(0,0),${row + 1}>`,
  macaddr8: (row) => `08:00:2b:01:02:03:04:${two(row)}`,
  pg_lsn: (row) => `0/${row + 1}`,
  jsonpath: (row) => `$.row${row + 1}`,
  hstore: (row) => `row=>${row + 1}`,
  ltree: (row) => `row${row + 1}`,
  vector: (row, { length }) => `[${Array.from({ length: length ?? 3 }, () => row + 1)}]`,
  int2vector: (row) => String(row + 1),
  oidvector: (row) => String(row + 1),
  char: (row) => "abcdefghij".charAt(row % 10),
};

const BY_CATEGORY: Record<string, Make> = {
  // Long enough that a shorter type would have to cut it, with small letters only, which most rules let pass.
  S: (row, { length }) => `${"abcdefghij"[row % 10]}${"x".repeat(40)}`.slice(0, length ?? 24),
};
