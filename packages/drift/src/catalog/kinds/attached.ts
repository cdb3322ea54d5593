/**
 * What any object may have: a comment, grants, an owner. These are found by the object's address, and named by its key:
 * `comment on table public.users`, `grant on function public.slug(text) to PUBLIC`, `owner of schema sales`.
 */
import { relationKind } from "./fragments.ts";
import { privileges } from "./privileges.ts";

/** The key of whatever `addressed` lists as `a`. */
export const key = "rtrim(concat(a.kind, ' ', nullif(a.schema, '') || '.', a.name))";

/** Whatever has no place of its own among the objects says whose part it is. */
const parent = `coalesce(a.parent, ${key})`;

/**
 * Tables of the query that these kinds share; `object` holds all objects of the other kinds. Some things that are part
 * of an object, and not listed by themselves, can have a comment or grants of their own.
 */
export const attachedTables = `
addressed AS NOT MATERIALIZED (
  SELECT class, oid, sub, kind, schema, name, NULL AS parent FROM object
  UNION ALL
  SELECT 'pg_database'::regclass, oid, 0, 'database', '', '', '' FROM pg_database WHERE datname = current_database()
  UNION ALL -- columns of views and composite types
  SELECT 'pg_class'::regclass, a.attrelid, a.attnum, 'column', n.schema, quote_ident(c.relname) || '.' || quote_ident(a.attname),
    concat(CASE c.relkind WHEN 'c' THEN 'composite type' ELSE ${relationKind("c.relkind")} END, ' ', n.schema, '.', quote_ident(c.relname))
  FROM namespace n JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('v', 'm', 'c')
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL -- sequences behind identity columns
  SELECT 'pg_class'::regclass, d.objid, 0, 'sequence', r.schema, quote_ident(s.relname),
    concat('column ', r.schema, '.', r.name, '.', quote_ident(a.attname))
  FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attidentity <> ''
  JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = r.oid AND d.refobjsubid = a.attnum
    AND d.classid = 'pg_class'::regclass AND d.deptype = 'i'
  JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
  UNION ALL -- indexes behind constraints
  SELECT 'pg_class'::regclass, c.conindid, 0, 'index', r.schema, quote_ident(x.relname),
    concat('constraint ', r.schema, '.', r.name, '.', quote_ident(c.conname))
  FROM relation r JOIN pg_constraint c ON c.conrelid = r.oid AND c.contype IN ('p', 'u', 'x') JOIN pg_class x ON x.oid = c.conindid
),
granted AS NOT MATERIALIZED (
  SELECT 'pg_class'::regclass AS class, oid, 0 AS sub, relowner AS owner, relacl AS acl,
    (CASE relkind WHEN 'S' THEN 's' ELSE 'r' END)::"char" AS type
  FROM pg_class WHERE relacl IS NOT NULL
  UNION ALL
  SELECT 'pg_class'::regclass, a.attrelid, a.attnum, c.relowner, a.attacl, 'c'
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE a.attacl IS NOT NULL
  UNION ALL SELECT 'pg_proc'::regclass, oid, 0, proowner, coalesce(proacl, acldefault('f', proowner)), 'f' FROM pg_proc WHERE oid >= 16384
  UNION ALL SELECT 'pg_type'::regclass, oid, 0, typowner, coalesce(typacl, acldefault('T', typowner)), 'T' FROM pg_type WHERE oid >= 16384
  UNION ALL SELECT 'pg_namespace'::regclass, oid, 0, nspowner, nspacl, 'n' FROM pg_namespace
  UNION ALL SELECT 'pg_database'::regclass, oid, 0, datdba, coalesce(datacl, acldefault('d', datdba)), 'd' FROM pg_database
  UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, oid, 0, fdwowner, fdwacl, 'F' FROM pg_foreign_data_wrapper
  UNION ALL SELECT 'pg_foreign_server'::regclass, oid, 0, srvowner, srvacl, 'S' FROM pg_foreign_server
)`;

/** The catalogues whose objects have an owner, and the column that names it. */
const owners = {
  pg_class: "relowner",
  pg_proc: "proowner",
  pg_type: "typowner",
  pg_namespace: "nspowner",
  pg_database: "datdba",
  pg_operator: "oprowner",
  pg_opclass: "opcowner",
  pg_opfamily: "opfowner",
  pg_collation: "collowner",
  pg_statistic_ext: "stxowner",
  pg_ts_config: "cfgowner",
  pg_ts_dict: "dictowner",
  pg_event_trigger: "evtowner",
  pg_publication: "pubowner",
  pg_foreign_data_wrapper: "fdwowner",
  pg_foreign_server: "srvowner",
};

/** The id of the role that owns `a`. */
export const owner = `CASE a.class ${Object.entries(owners)
  .map(
    ([catalog, column]) =>
      `WHEN '${catalog}'::regclass THEN (SELECT ${column} FROM ${catalog} WHERE oid = a.oid)`,
  )
  .join("\n")} END`;

export const attached = {
  // Not those that PostgreSQL itself wrote: that of the schema public, and those of extensions.
  comment: `
    SELECT '', 'on ' || ${key}, ${parent}, quote_literal(d.description)
    FROM addressed a JOIN pg_description d ON d.classoid = a.class AND d.objoid = a.oid AND d.objsubid = a.sub
    WHERE (d.objoid >= 16384 OR d.classoid = 'pg_namespace'::regclass)
      AND a.class <> 'pg_extension'::regclass AND (a.name, d.description) <> ('public', 'standard public schema')`,

  // What an owner may do is no grant: a scratch database has another owner.
  grant: `
    SELECT '', 'on ' || key || ' to ' || grantee, parent, ${privileges("type", "privilege_type", "is_grantable")}
    FROM (
      SELECT ${key} AS key, ${parent} AS parent, o.type, g.privilege_type, bool_or(g.is_grantable) AS is_grantable,
        CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END AS grantee
      FROM addressed a JOIN granted o ON o.class = a.class AND o.oid = a.oid AND o.sub = a.sub
      CROSS JOIN LATERAL aclexplode(o.acl) g
      WHERE g.grantee <> o.owner
      GROUP BY 1, 2, o.type, g.grantee, g.privilege_type
    ) AS each_privilege
    GROUP BY key, parent, grantee, type`,

  // An index is always its table's owner's.
  owner: `
    SELECT '', 'of ' || key, key, quote_ident(pg_get_userbyid(owner))
    FROM (SELECT ${key} AS key, ${owner} AS owner FROM object a WHERE a.sub = 0 AND a.kind <> 'index') AS each_object
    WHERE owner IS NOT NULL`,
} as const satisfies Record<string, string>;
