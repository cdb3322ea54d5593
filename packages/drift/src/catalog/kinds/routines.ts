/** Functions, procedures and aggregates. */
import { at } from "./fragments.ts";

/** Whether the final function changes the state; NULL for what is usual of its kind of aggregate. */
const modify = (column: string) => `CASE
  WHEN ${column} = CASE g.aggkind WHEN 'n' THEN 'r' ELSE 'w' END THEN NULL
  WHEN ${column} = 'r' THEN 'READ_ONLY' WHEN ${column} = 's' THEN 'SHAREABLE' ELSE 'READ_WRITE' END`;

/** An aggregate's attributes, as CREATE AGGREGATE names them; NULL where it has its default. */
const aggregate = `concat_ws(', ',
  'SFUNC = ' || nullif(g.aggtransfn, 0)::regproc,
  'STYPE = ' || format_type(g.aggtranstype, NULL),
  'SSPACE = ' || nullif(g.aggtransspace, 0),
  'FINALFUNC = ' || nullif(g.aggfinalfn, 0)::regproc,
  CASE WHEN g.aggfinalextra THEN 'FINALFUNC_EXTRA' END,
  'FINALFUNC_MODIFY = ' || ${modify("g.aggfinalmodify")},
  'COMBINEFUNC = ' || nullif(g.aggcombinefn, 0)::regproc,
  'SERIALFUNC = ' || nullif(g.aggserialfn, 0)::regproc,
  'DESERIALFUNC = ' || nullif(g.aggdeserialfn, 0)::regproc,
  'INITCOND = ' || quote_literal(g.agginitval),
  'MSFUNC = ' || nullif(g.aggmtransfn, 0)::regproc,
  'MINVFUNC = ' || nullif(g.aggminvtransfn, 0)::regproc,
  'MSTYPE = ' || format_type(nullif(g.aggmtranstype, 0), NULL),
  'MSSPACE = ' || nullif(g.aggmtransspace, 0),
  'MFINALFUNC = ' || nullif(g.aggmfinalfn, 0)::regproc,
  CASE WHEN g.aggmfinalextra THEN 'MFINALFUNC_EXTRA' END,
  'MFINALFUNC_MODIFY = ' || ${modify("g.aggmfinalmodify")},
  'MINITCOND = ' || quote_literal(g.aggminitval),
  'SORTOP = ' || (SELECT 'OPERATOR(' || quote_ident(n.nspname) || '.' || o.oprname || ')'
    FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace WHERE o.oid = g.aggsortop),
  'PARALLEL = ' || CASE p.proparallel WHEN 's' THEN 'SAFE' WHEN 'r' THEN 'RESTRICTED' END,
  CASE g.aggkind WHEN 'h' THEN 'HYPOTHETICAL' END)`;

export const routines = {
  function: `
    SELECT ${at("pg_proc", "p.oid")}, p.schema, p.name, p.schema_key, pg_get_functiondef(p.oid)
    FROM routine p WHERE p.prokind IN ('f', 'w')`,

  procedure: `
    SELECT ${at("pg_proc", "p.oid")}, p.schema, p.name, p.schema_key, pg_get_functiondef(p.oid)
    FROM routine p WHERE p.prokind = 'p'`,

  aggregate: `
    SELECT ${at("pg_proc", "p.oid")}, p.schema, p.name, p.schema_key,
      '(' || coalesce(nullif(pg_get_function_arguments(p.oid), ''), '*') || ') (' || ${aggregate} || ')'
    FROM routine p JOIN pg_aggregate g ON g.aggfnoid = p.oid`,
} as const satisfies Record<string, string>;
