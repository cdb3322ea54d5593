/** What the columns of synthetic rows are made of, down to what PostgreSQL itself brings: domains, composites, arrays, ranges. */
import type pg from "pg";

export type ValueType = {
  /** Of PostgreSQL's own catalogue; of a domain, of what it is made of. */
  name: string;
  category: string;
  /** Of varchar(n), char(n), bit(n) and vector(n); null without one. */
  length: number | null;
  /** Of numeric(p, s). */
  scale: number | null;
  /** Labels of an enum. */
  labels: string[];
  /** Of a composite type, in their order. */
  attributes: ValueType[] | null;
  /** Of an array. */
  element: ValueType | null;
  /** Of a range; of a multirange, the range. */
  bounds: ValueType | null;
  /** CHECKs that a value must pass, as PostgreSQL prints them. */
  checks: string[];
};

/** A type and its modifier: the OID and what pg_attribute has beside it. */
export type TypeRef = { oid: string; modifier: number };

type Facts = {
  oid: string;
  name: string;
  category: string;
  labels: string[];
  base: TypeRef | null;
  element: string | null;
  bounds: string | null;
  attributes: TypeRef[] | null;
  checks: string[];
};

const TYPES = `
SELECT t.oid::text AS oid, t.typname AS name, t.typcategory AS category,
  ARRAY(SELECT e.enumlabel FROM pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder)::text[] AS labels,
  CASE WHEN t.typtype = 'd' THEN json_build_object('oid', t.typbasetype::text, 'modifier', t.typtypmod) END AS base,
  CASE WHEN t.typcategory = 'A' AND t.typlen = -1 THEN nullif(t.typelem, 0)::text END AS element,
  ARRAY(SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c') AS checks,
  coalesce(r.rngsubtype, m.rngtypid)::text AS bounds,
  CASE WHEN t.typtype = 'c' THEN (
    SELECT coalesce(json_agg(json_build_object('oid', a.atttypid::text, 'modifier', a.atttypmod) ORDER BY a.attnum), '[]')
    FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) END AS attributes
FROM pg_type t LEFT JOIN pg_range r ON r.rngtypid = t.oid LEFT JOIN pg_range m ON m.rngmultitypid = t.oid
WHERE t.oid = ANY ($1::oid[])`;

/** Reads the types and all that they are made of; gives what a reference stands for. */
export async function readValueTypes(
  client: pg.Client,
  oids: Iterable<string>,
): Promise<(ref: TypeRef) => ValueType> {
  const known = new Map<string, Facts>();
  for (let wanted = [...new Set(oids)]; wanted.length > 0; ) {
    const { rows } = await client.query<Facts>(TYPES, [wanted]);
    for (const facts of rows) known.set(facts.oid, facts);
    wanted = [...new Set(rows.flatMap(madeOf))].filter((oid) => !known.has(oid));
  }
  return (ref) => valueType(ref, known);
}

function madeOf({ base, element, bounds, attributes }: Facts): string[] {
  const refs = [...(base ? [base] : []), ...(attributes ?? [])];
  return [...refs.map(({ oid }) => oid), element, bounds].filter((oid) => oid !== null);
}

function valueType({ oid, modifier }: TypeRef, known: Map<string, Facts>): ValueType {
  const facts = known.get(oid);
  if (!facts) return unknown;
  if (facts.base) {
    const base = valueType(facts.base, known);
    return { ...base, checks: [...facts.checks, ...base.checks] };
  }
  const { name, category, labels, element, bounds, attributes } = facts;
  const of = (inner: string | null, own: number) =>
    inner === null ? null : valueType({ oid: inner, modifier: own }, known);
  return {
    ...{ name, category, labels },
    ...measures(name, modifier),
    attributes: attributes?.map((attribute) => valueType(attribute, known)) ?? null,
    // varchar(3)[] has the length of its elements.
    element: of(element, modifier),
    bounds: of(bounds, -1),
    checks: [],
  };
}

const unknown: ValueType = {
  ...{ name: "", category: "", length: null, scale: null, labels: [] },
  ...{ attributes: null, element: null, bounds: null, checks: [] },
};

/** What a modifier says; for texts and numbers PostgreSQL adds the four bytes of their header. */
function measures(name: string, modifier: number): Pick<ValueType, "length" | "scale"> {
  if (modifier < 0) return { length: null, scale: null };
  if (name === "varchar" || name === "bpchar") return { length: modifier - 4, scale: null };
  if (name === "numeric") return { length: null, scale: (modifier - 4) & 2047 };
  return { length: modifier, scale: null };
}
