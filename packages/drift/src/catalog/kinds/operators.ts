/** Operators, and the classes and families that tell indexes of them. */
import { at, standsAlone } from "./fragments.ts";

/** The operator with its schema, as SQL writes it between operands. */
const operatorName = (
  oid: string,
) => `(SELECT 'OPERATOR(' || quote_ident(home.nspname) || '.' || named.oprname || ')'
  FROM pg_operator named JOIN pg_namespace home ON home.oid = named.oprnamespace WHERE named.oid = ${oid})`;

const family = "quote_ident(f.opfname) || ' USING ' || quote_ident(m.amname)";

export const operators = {
  // One that has only been named by another, as its commutator or negator, is not there yet.
  operator: `
    SELECT ${at("pg_operator", "o.oid")}, n.schema,
      o.oprname || '(' || coalesce(format_type(nullif(o.oprleft, 0), NULL), 'NONE') || ', ' || format_type(o.oprright, NULL) || ')',
      n.key, '(' || concat_ws(', ',
        'FUNCTION = ' || o.oprcode,
        'LEFTARG = ' || format_type(nullif(o.oprleft, 0), NULL),
        'RIGHTARG = ' || format_type(o.oprright, NULL),
        'COMMUTATOR = ' || ${operatorName("o.oprcom")},
        'NEGATOR = ' || ${operatorName("o.oprnegate")},
        'RESTRICT = ' || nullif(o.oprrest, 0)::regproc,
        'JOIN = ' || nullif(o.oprjoin, 0)::regproc,
        CASE WHEN o.oprcanhash THEN 'HASHES' END,
        CASE WHEN o.oprcanmerge THEN 'MERGES' END) || ')'
    FROM namespace n JOIN pg_operator o ON o.oprnamespace = n.oid
    WHERE o.oprcode <> 0 AND ${standsAlone("pg_operator", "o.oid")}`,

  // With all of its members, whichever class brought them.
  "operator family": `
    SELECT ${at("pg_opfamily", "f.oid")}, n.schema, ${family}, n.key, concat_ws(' ', 'FAMILY', nullif(array_to_string(ARRAY(
      SELECT concat_ws(' ', 'OPERATOR', a.amopstrategy, a.amopopr::regoperator,
        'FOR ORDER BY ' || (SELECT quote_ident(s.opfname) FROM pg_opfamily s WHERE s.oid = a.amopsortfamily))
      FROM pg_amop a WHERE a.amopfamily = f.oid
      UNION ALL
      SELECT concat_ws(' ', 'FUNCTION', a.amprocnum,
        '(' || format_type(a.amproclefttype, NULL) || ', ' || format_type(a.amprocrighttype, NULL) || ')', a.amproc::regprocedure)
      FROM pg_amproc a WHERE a.amprocfamily = f.oid
      ORDER BY 1), ', '), ''))
    FROM namespace n JOIN pg_opfamily f ON f.opfnamespace = n.oid JOIN pg_am m ON m.oid = f.opfmethod
    WHERE ${standsAlone("pg_opfamily", "f.oid")}`,

  "operator class": `
    SELECT ${at("pg_opclass", "c.oid")}, n.schema, quote_ident(c.opcname) || ' USING ' || quote_ident(m.amname),
      coalesce('operator family ' || home.schema || '.' || ${family}, n.key), concat_ws(' ',
        CASE WHEN c.opcdefault THEN 'DEFAULT' END,
        'FOR TYPE', format_type(c.opcintype, NULL),
        'FAMILY', quote_ident(f.opfname),
        'STORAGE ' || format_type(nullif(c.opckeytype, 0), NULL))
    FROM namespace n JOIN pg_opclass c ON c.opcnamespace = n.oid JOIN pg_am m ON m.oid = c.opcmethod
    JOIN pg_opfamily f ON f.oid = c.opcfamily LEFT JOIN namespace home ON home.oid = f.opfnamespace
    WHERE ${standsAlone("pg_opclass", "c.oid")}`,
} as const satisfies Record<string, string>;
