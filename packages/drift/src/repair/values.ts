/** Values for synthetic rows: for a type and the number of a row a literal that tells it from the other rows. */

export type ColumnType = {
  /** As SQL names it, with its length. */
  type: string;
  /** Of PostgreSQL's own catalogue: of a domain, what it is made of. */
  base: string;
  category: string;
  /** Of varchar(n), char(n) and bit(n); null without one. */
  length: number | null;
  /** Of numeric(p, s). */
  scale: number | null;
  /** Labels of an enum. */
  labels: string[];
};

/** A literal of the type as text; null where no value is known. */
export function sample(column: ColumnType, row: number): string | null {
  const { base, category, labels } = column;
  if (labels.length > 0) return labels[row % labels.length] ?? null;
  const known = BY_BASE[base]?.(row, column);
  if (known !== undefined) return known;
  return BY_CATEGORY[category]?.(row, column) ?? null;
}

type Make = (row: number, column: ColumnType) => string;

const two = (row: number) => String(row + 10).slice(-2);

const BY_BASE: Record<string, Make> = {
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
};

const BY_CATEGORY: Record<string, Make> = {
  // Long enough that a shorter type would have to cut it, with small letters only, which most rules let pass.
  S: (row, { length }) => `${"abcdefghij"[row % 10]}${"x".repeat(40)}`.slice(0, length ?? 24),
  A: () => "{}",
  R: () => "empty",
};
