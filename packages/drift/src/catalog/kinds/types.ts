/** Types, collations and casts. */
import { at, standsAlone } from "./fragments.ts";

export const types = {
  enum: `
    SELECT ${at("pg_type", "t.oid")}, t.schema, t.name, t.schema_key, 'ENUM (' || array_to_string(ARRAY(
      SELECT quote_literal(e.enumlabel) FROM pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder), ', ') || ')'
    FROM type t WHERE t.typtype = 'e'`,

  domain: `
    SELECT ${at("pg_type", "t.oid")}, t.schema, t.name, t.schema_key, concat_ws(' ',
      'AS', format_type(t.typbasetype, t.typtypmod),
      'COLLATE ' || (SELECT nullif(t.typcollation, b.typcollation)::regcollation FROM pg_type b WHERE b.oid = t.typbasetype),
      'DEFAULT ' || pg_get_expr(t.typdefaultbin, 0),
      CASE WHEN t.typnotnull THEN 'NOT NULL' END)
    FROM type t WHERE t.typtype = 'd'`,

  // NOT NULL is among them from PostgreSQL 17 on; the mark on the domain is in all.
  "domain constraint": `
    SELECT ${at("pg_constraint", "c.oid")}, t.schema, t.name || '.' || quote_ident(c.conname),
      'domain ' || t.schema || '.' || t.name, pg_get_constraintdef(c.oid)
    FROM type t JOIN pg_constraint c ON c.contypid = t.oid
    WHERE c.contype = 'c'`,

  // Here the order counts: a row is written by it.
  "composite type": `
    SELECT ${at("pg_type", "t.oid")}, t.schema, t.name, t.schema_key, 'AS (' || array_to_string(ARRAY(
      SELECT concat_ws(' ', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
        'COLLATE ' || (SELECT nullif(a.attcollation, b.typcollation)::regcollation FROM pg_type b WHERE b.oid = a.atttypid))
      FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum), ', ') || ')'
    FROM type t JOIN pg_class c ON c.oid = t.typrelid
    WHERE t.typtype = 'c' AND c.relkind = 'c'`,

  "range type": `
    SELECT ${at("pg_type", "t.oid")}, t.schema, t.name, t.schema_key, 'AS RANGE (' || concat_ws(', ',
      'SUBTYPE = ' || format_type(g.rngsubtype, NULL),
      'SUBTYPE_OPCLASS = ' || (SELECT quote_ident(n.nspname) || '.' || quote_ident(o.opcname)
        FROM pg_opclass o JOIN pg_namespace n ON n.oid = o.opcnamespace WHERE o.oid = g.rngsubopc),
      'COLLATION = ' || nullif(g.rngcollation, 0)::regcollation,
      'CANONICAL = ' || nullif(g.rngcanonical, 0)::regproc,
      'SUBTYPE_DIFF = ' || nullif(g.rngsubdiff, 0)::regproc,
      'MULTIRANGE_TYPE_NAME = ' || format_type(g.rngmultitypid, NULL)) || ')'
    FROM type t JOIN pg_range g ON g.rngtypid = t.oid`,

  // The locale is in colliculocale up to version 16 and in colllocale after; rules came with 16. Which version of the
  // library sorted last is left out.
  collation: `
    SELECT ${at("pg_collation", "c.oid")}, n.schema, quote_ident(c.collname), n.key, '(' || concat_ws(', ',
      'PROVIDER = ' || CASE c.collprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END,
      'LOCALE = ' || quote_literal(coalesce(row->>'colllocale', row->>'colliculocale')),
      'LC_COLLATE = ' || quote_literal(c.collcollate),
      'LC_CTYPE = ' || quote_literal(c.collctype),
      CASE WHEN NOT c.collisdeterministic THEN 'DETERMINISTIC = false' END,
      'RULES = ' || quote_literal(row->>'collicurules')) || ')'
    FROM namespace n JOIN pg_collation c ON c.collnamespace = n.oid, to_jsonb(c) row
    WHERE ${standsAlone("pg_collation", "c.oid")}`,

  // A cast lives in no schema: it counts unless one of its types lives in a schema that is not compared.
  cast: `
    SELECT ${at("pg_cast", "c.oid")}, '', '(' || format_type(c.castsource, NULL) || ' AS ' || format_type(c.casttarget, NULL) || ')', '',
      concat_ws(' ',
        CASE c.castmethod WHEN 'i' THEN 'WITH INOUT' WHEN 'b' THEN 'WITHOUT FUNCTION' ELSE 'WITH FUNCTION ' || c.castfunc::regprocedure END,
        CASE c.castcontext WHEN 'a' THEN 'AS ASSIGNMENT' WHEN 'i' THEN 'AS IMPLICIT' END)
    FROM pg_cast c
    WHERE ${standsAlone("pg_cast", "c.oid")}
      AND NOT EXISTS (SELECT FROM pg_type t WHERE t.oid IN (c.castsource, c.casttarget)
        AND t.typnamespace <> 'pg_catalog'::regnamespace AND t.typnamespace NOT IN (SELECT oid FROM namespace))`,
} as const satisfies Record<string, string>;
