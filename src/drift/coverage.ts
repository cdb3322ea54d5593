/** What the check does not compare must not pass in silence: this looks for objects of the kinds that are not modelled. */
import type pg from "pg";

export type Unmodelled = { kind: string; names: string[] };

/** Each a SELECT of (class, object, sub-object); a kind leaves this table when it enters that of the compared kinds. */
const unmodelled = {
  domain: "SELECT 'pg_type', oid, 0 FROM pg_type WHERE typtype = 'd'",
  "composite type": "SELECT 'pg_type', reltype, 0 FROM pg_class WHERE relkind = 'c'",
  "range type": "SELECT 'pg_type', oid, 0 FROM pg_type WHERE typtype = 'r'",
  "base type": "SELECT 'pg_type', oid, 0 FROM pg_type WHERE typtype = 'b' AND typcategory <> 'A'",
  "foreign table": "SELECT 'pg_class', oid, 0 FROM pg_class WHERE relkind = 'f'",
  aggregate: "SELECT 'pg_proc', oid, 0 FROM pg_proc WHERE prokind = 'a'",
  rule: "SELECT 'pg_rewrite', oid, 0 FROM pg_rewrite WHERE rulename <> '_RETURN'",
  "statistics object": "SELECT 'pg_statistic_ext', oid, 0 FROM pg_statistic_ext",
  collation: "SELECT 'pg_collation', oid, 0 FROM pg_collation",
  conversion: "SELECT 'pg_conversion', oid, 0 FROM pg_conversion",
  operator: "SELECT 'pg_operator', oid, 0 FROM pg_operator",
  "operator class": "SELECT 'pg_opclass', oid, 0 FROM pg_opclass",
  "operator family": "SELECT 'pg_opfamily', oid, 0 FROM pg_opfamily",
  "text search configuration": "SELECT 'pg_ts_config', oid, 0 FROM pg_ts_config",
  "text search dictionary": "SELECT 'pg_ts_dict', oid, 0 FROM pg_ts_dict",
  "text search parser": "SELECT 'pg_ts_parser', oid, 0 FROM pg_ts_parser",
  "text search template": "SELECT 'pg_ts_template', oid, 0 FROM pg_ts_template",
  cast: "SELECT 'pg_cast', oid, 0 FROM pg_cast",
  transform: "SELECT 'pg_transform', oid, 0 FROM pg_transform",
  language: "SELECT 'pg_language', oid, 0 FROM pg_language",
  "access method": "SELECT 'pg_am', oid, 0 FROM pg_am",
  "event trigger": "SELECT 'pg_event_trigger', oid, 0 FROM pg_event_trigger",
  publication: "SELECT 'pg_publication', oid, 0 FROM pg_publication",
  subscription: `SELECT 'pg_subscription', oid, 0 FROM pg_subscription
    WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  "foreign data wrapper": "SELECT 'pg_foreign_data_wrapper', oid, 0 FROM pg_foreign_data_wrapper",
  "foreign server": "SELECT 'pg_foreign_server', oid, 0 FROM pg_foreign_server",
  comment: `SELECT classoid::regclass::text, objoid, objsubid FROM pg_description
    WHERE classoid <> 'pg_extension'::regclass`,
  "security label": "SELECT classoid::regclass::text, objoid, objsubid FROM pg_seclabel",
  "default privilege": "SELECT 'pg_default_acl', oid, 0 FROM pg_default_acl",
  grant: `
    SELECT 'pg_namespace', oid, 0 FROM pg_namespace WHERE nspacl IS NOT NULL
    UNION ALL SELECT 'pg_class', oid, 0 FROM pg_class WHERE relacl IS NOT NULL
    UNION ALL SELECT 'pg_class', attrelid, attnum FROM pg_attribute WHERE attacl IS NOT NULL
    UNION ALL SELECT 'pg_proc', oid, 0 FROM pg_proc WHERE proacl IS NOT NULL
    UNION ALL SELECT 'pg_type', oid, 0 FROM pg_type WHERE typacl IS NOT NULL`,
} as const satisfies Record<string, string>;

/** 16384 is the first OID of objects that are not PostgreSQL's own. */
const COVERAGE = `
SELECT kind, array_agg(DISTINCT o.identity ORDER BY o.identity) AS names
FROM (
${Object.entries(unmodelled)
  .map(([kind, select]) => `SELECT '${kind}' AS kind, u.* FROM (${select}) AS u (class, id, sub)`)
  .join("\nUNION ALL\n")}
) found, LATERAL pg_identify_object(found.class::regclass, found.id, found.sub) o
WHERE found.id >= 16384 AND (o.schema IS NULL OR o.schema = ANY ($1))
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = found.class::regclass AND d.objid = found.id AND d.deptype = 'e')
GROUP BY kind ORDER BY kind`;

/** To be called within `inSnapshot`. */
export async function readUnmodelled(client: pg.Client, schemas: string[]): Promise<Unmodelled[]> {
  const { rows } = await client.query<Unmodelled>(COVERAGE, [schemas]);
  return rows;
}
