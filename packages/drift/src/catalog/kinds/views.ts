/** Views and materialized views. */
import { at, columnState, options, tablespace, withState } from "./fragments.ts";

/** What ALTER gives to columns of a view, which the query does not show. */
const columns = `nullif(array_to_string(ARRAY(
  SELECT 'ALTER COLUMN ' || quote_ident(a.attname) || ' ' || action
  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum,
    unnest(ARRAY['SET DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), ${columnState}]) WITH ORDINALITY AS x (action, position)
  WHERE a.attrelid = r.oid AND a.attnum > 0 AND action IS NOT NULL
  ORDER BY a.attnum, position), '; '), '')`;

const query = "btrim(pg_get_viewdef(r.oid), ' ;')";

export const views = {
  view: `
    SELECT ${at("pg_class", "r.oid")}, r.schema, r.name, r.schema_key, ${withState(
      `concat_ws(' ', ${options("r.reloptions")}, 'AS', ${query})`,
      columns,
    )}
    FROM relation r WHERE r.relkind = 'v'`,

  "materialized view": `
    SELECT ${at("pg_class", "r.oid")}, r.schema, r.name, r.schema_key, ${withState(
      `concat_ws(' ',
        'USING ' || (SELECT quote_ident(amname) FROM pg_am WHERE oid = r.relam AND amname <> 'heap'),
        ${options("r.reloptions")},
        ${tablespace("r.reltablespace")},
        'AS', ${query},
        CASE WHEN NOT r.relispopulated THEN 'WITH NO DATA' END)`,
      columns,
    )}
    FROM relation r WHERE r.relkind = 'm'`,
} as const satisfies Record<string, string>;
