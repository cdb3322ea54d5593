/** What hangs on a table: constraints, indexes, statistics objects, triggers, rules, policies. */
import { at, firing, indexState, options, sorted, withState } from "./fragments.ts";

/** Of those that keep a constraint; pg_constraint c. */
const offTriggers = "WHERE t.tgconstraint = c.oid AND t.tgisinternal AND t.tgenabled <> 'O'";

/** A CHECK of a table and of its parent too. */
const alsoInherited = "c.contype = 'c' AND c.conislocal AND c.coninhcount > 0";

/** Columns of a statistics object; pg_statistic_ext s. */
const columnsBy = (order: string) => `array_to_string(ARRAY(SELECT quote_ident(a.attname)
  FROM unnest(s.stxkeys::int2[]) WITH ORDINALITY k(attnum, place) JOIN pg_attribute a ON a.attrelid = s.stxrelid AND a.attnum = k.attnum
  ORDER BY ${order}), ', ')`;

export const tableParts = {
  // The triggers behind a key can be off, and with them the key. An inherited constraint follows its parent and is not
  // listed again, but for a partition's copy of a key that is off by itself.
  constraint: `
    SELECT ${at("pg_constraint", "c.oid")}, r.schema, r.name || '.' || quote_ident(c.conname), r.key, ${withState(
      "pg_get_constraintdef(c.oid)",
      `(SELECT nullif(${withState(`'INDEX ' || ${options("x.reloptions")}`, ...indexState)}, '')
        FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
        WHERE i.indexrelid = c.conindid AND c.contype IN ('p', 'u', 'x'))`,
      `CASE WHEN c.contype = 'f' OR c.condeferrable THEN ${sorted(
        `SELECT DISTINCT ${firing("t.tgenabled")} || ' TRIGGERS ON ' || t.tgrelid::regclass FROM pg_trigger t
         ${offTriggers}`,
      )} END`,
    )}
    FROM relation r JOIN pg_constraint c ON c.conrelid = r.oid
    WHERE c.contype IN ('c', 'f', 'p', 'u', 'x')
      AND (c.conislocal AND NOT (${alsoInherited}) OR c.contype = 'f' AND EXISTS (SELECT FROM pg_trigger t ${offTriggers}))`,

  // Without those behind a constraint, and without those that a partition has because its parent has one.
  index: `
    SELECT ${at("pg_class", "i.indexrelid")}, r.schema, quote_ident(x.relname), r.key, ${withState(
      "pg_get_indexdef(i.indexrelid)",
      ...indexState,
    )}
    FROM relation r JOIN pg_index i ON i.indrelid = r.oid JOIN pg_class x ON x.oid = i.indexrelid
    WHERE NOT x.relispartition
      AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u', 'x'))`,

  // PostgreSQL lists the columns as they stand in the table, and that order is not compared.
  "statistics object": `
    SELECT ${at("pg_statistic_ext", "s.oid")}, n.schema, quote_ident(s.stxname), r.key, ${withState(
      `replace(pg_get_statisticsobjdef(s.oid), ' ON ' || ${columnsBy("k.place")}, ' ON ' || ${columnsBy("a.attname")})`,
      "CASE WHEN s.stxstattarget >= 0 THEN 'SET STATISTICS ' || s.stxstattarget END",
    )}
    FROM relation r JOIN pg_statistic_ext s ON s.stxrelid = r.oid JOIN namespace n ON n.oid = s.stxnamespace`,

  // A partition's copy of a trigger counts only where it is switched on or off by itself.
  trigger: `
    SELECT ${at("pg_trigger", "t.oid")}, r.schema, r.name || '.' || quote_ident(t.tgname), r.key, ${withState(
      "pg_get_triggerdef(t.oid)",
      firing("t.tgenabled"),
    )}
    FROM relation r JOIN pg_trigger t ON t.tgrelid = r.oid LEFT JOIN pg_trigger parent ON parent.oid = t.tgparentid
    WHERE NOT t.tgisinternal AND (parent.oid IS NULL OR parent.tgenabled <> t.tgenabled)`,

  // A view is itself a rule, of the name _RETURN.
  rule: `
    SELECT ${at("pg_rewrite", "w.oid")}, r.schema, r.name || '.' || quote_ident(w.rulename), r.key, ${withState(
      "rtrim(pg_get_ruledef(w.oid), ';')",
      firing("w.ev_enabled"),
    )}
    FROM relation r JOIN pg_rewrite w ON w.ev_class = r.oid
    WHERE w.rulename <> '_RETURN'`,

  policy: `
    SELECT ${at("pg_policy", "p.oid")}, r.schema, r.name || '.' || quote_ident(p.polname), r.key, concat_ws(' ',
      CASE WHEN p.polpermissive THEN 'AS PERMISSIVE' ELSE 'AS RESTRICTIVE' END,
      'FOR ' || CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
      'TO ' || ${sorted("SELECT CASE role WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(role)) END FROM unnest(p.polroles) role")},
      'USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
      'WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')
    FROM relation r JOIN pg_policy p ON p.polrelid = r.oid`,
} as const satisfies Record<string, string>;

/** What a schema misses where it is declared, and never has too much. */
export const declaredParts = {
  // A column that a parent has too, and that stays when the parent's goes.
  "own column": `
    SELECT ${at("pg_class", "0")}, r.schema, r.name || '.' || quote_ident(a.attname),
      'column ' || r.schema || '.' || r.name || '.' || quote_ident(a.attname), 'besides that of a parent'
    FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE r.relkind = 'r' AND NOT r.relispartition AND a.attinhcount > 0 AND a.attislocal`,

  // The same of a CHECK. A table that comes to a parent keeps its own, and no statement makes it the parent's alone.
  "own constraint": `
    SELECT ${at("pg_class", "0")}, r.schema, r.name || '.' || quote_ident(c.conname), r.key, 'besides that of a parent'
    FROM relation r JOIN pg_constraint c ON c.conrelid = r.oid
    WHERE ${alsoInherited}`,

  // From PostgreSQL 18 on NOT NULL has a name, mostly one that PostgreSQL made of the names that table and column had then.
  // Only others are somebody's choice. Nothing can have a comment here: it is the column's mark that counts.
  "not null": `
    SELECT ${at("pg_constraint", "0")}, r.schema, r.name || '.' || quote_ident(c.conname),
      'column ' || r.schema || '.' || r.name || '.' || quote_ident(a.attname), 'NOT NULL ' || quote_ident(a.attname)
    FROM relation r JOIN pg_constraint c ON c.conrelid = r.oid AND c.contype = 'n' AND c.conislocal
    JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = c.conkey[1]
    WHERE c.conname !~ '_not_null[0-9]*$'`,
} as const satisfies Record<string, string>;
