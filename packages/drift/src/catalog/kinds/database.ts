/** What belongs to the database as a whole. */
import { at, firing, notSecret, sorted, standsAlone, withState } from "./fragments.ts";
import { privileges } from "./privileges.ts";

/** Members of a publication, as CREATE PUBLICATION lists them. */
const published = sorted(`
  SELECT concat_ws(' ', 'TABLE', m.prrelid::regclass,
    '(' || ${sorted(`SELECT quote_ident(a.attname) FROM pg_attribute a
      WHERE a.attrelid = m.prrelid AND a.attnum = ANY (m.prattrs)`)} || ')',
    'WHERE (' || pg_get_expr(m.prqual, m.prrelid) || ')')
  FROM pg_publication_rel m WHERE m.prpubid = p.oid
  UNION ALL
  SELECT 'TABLES IN SCHEMA ' || m.pnnspid::regnamespace FROM pg_publication_namespace m WHERE m.pnpubid = p.oid`);

export const database = {
  schema: `SELECT ${at("pg_namespace", "oid")}, '', schema, '', 'SCHEMA' FROM namespace`,

  // Each server brings its own versions: only one that is not the server's default says that somebody chose it.
  extension: `
    SELECT ${at("pg_extension", "e.oid")}, '', quote_ident(e.extname), '', concat_ws(' ',
      'VERSION ' || quote_literal(nullif(e.extversion, available.default_version)), 'SCHEMA', n.schema)
    FROM pg_extension e JOIN namespace n ON n.oid = e.extnamespace
    LEFT JOIN pg_available_extensions() available ON available.name = e.extname`,

  "event trigger": `
    SELECT ${at("pg_event_trigger", "e.oid")}, '', quote_ident(e.evtname), '', ${withState(
      `concat_ws(' ', 'ON', e.evtevent,
        'WHEN TAG IN (' || ${sorted("SELECT quote_literal(tag) FROM unnest(e.evttags) tag")} || ')',
        'EXECUTE FUNCTION', e.evtfoid::regprocedure)`,
      firing("e.evtenabled"),
    )}
    FROM pg_event_trigger e
    WHERE ${standsAlone("pg_event_trigger", "e.oid")}`,

  publication: `
    SELECT ${at("pg_publication", "p.oid")}, '', quote_ident(p.pubname), '', concat_ws(' ',
      CASE WHEN p.puballtables THEN 'FOR ALL TABLES' ELSE 'FOR ' || ${published} END,
      'WITH (' || concat_ws(', ',
        'publish = ' || quote_literal(concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
          CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END)),
        CASE WHEN p.pubviaroot THEN 'publish_via_partition_root = true' END,
        CASE WHEN row->>'pubgencols' = 's' THEN 'publish_generated_columns = stored' END) || ')')
    FROM pg_publication p, to_jsonb(p) row
    WHERE ${standsAlone("pg_publication", "p.oid")}`,

  // ALTER DATABASE SET, and ALTER ROLE IN DATABASE SET.
  "database setting": `
    SELECT ${at("pg_database", "NULL::oid")}, '',
      split_part(setting, '=', 1) || CASE s.setrole WHEN 0 THEN '' ELSE ' for role ' || quote_ident(pg_get_userbyid(s.setrole)) END,
      '', ${notSecret("split_part(setting, '=', 1)", "substr(setting, strpos(setting, '=') + 1)")}
    FROM pg_db_role_setting s JOIN pg_database b ON b.oid = s.setdatabase AND b.datname = current_database(),
      unnest(s.setconfig) setting`,

  // The owner of the database and the role that reads are both "me": in a scratch database they are one. What is said
  // for all schemas stands in place of PostgreSQL's own defaults, so that lacking one of those is a REVOKE.
  "default privilege": `
    SELECT ${at("pg_default_acl", "NULL::oid")}, '', name, parent, string_agg(list, '; ' ORDER BY list)
    FROM (
      SELECT name, parent, verb || ' ' || ${privileges("type", "privilege_type", "is_grantable")} AS list
      FROM (
        SELECT DISTINCT coalesce(n.key, '') AS parent, g.verb, g.privilege_type, g.is_grantable, type, concat_ws(' ',
          CASE WHEN d.defaclrole NOT IN (b.datdba, (SELECT oid FROM pg_roles WHERE rolname = current_user))
            THEN 'for role ' || quote_ident(pg_get_userbyid(d.defaclrole)) END,
          'in schema ' || n.schema,
          'on', CASE d.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions'
            WHEN 'T' THEN 'types' WHEN 'n' THEN 'schemas' ELSE 'large objects' END,
          'to', CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END) AS name
        FROM pg_database b, pg_default_acl d
        LEFT JOIN namespace n ON n.oid = d.defaclnamespace
        CROSS JOIN LATERAL (SELECT CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END::"char") AS t (type)
        CROSS JOIN LATERAL (SELECT CASE WHEN d.defaclnamespace = 0 THEN acldefault(type, d.defaclrole) END) AS usual (acl)
        CROSS JOIN LATERAL (
          SELECT 'GRANT' AS verb, own.* FROM (
            SELECT grantee, privilege_type, is_grantable FROM aclexplode(d.defaclacl)
            EXCEPT SELECT grantee, privilege_type, is_grantable FROM aclexplode(usual.acl)) own
          UNION ALL
          SELECT 'REVOKE', lacking.* FROM (
            SELECT grantee, privilege_type, is_grantable FROM aclexplode(usual.acl)
            EXCEPT SELECT grantee, privilege_type, is_grantable FROM aclexplode(d.defaclacl)) lacking) g
        WHERE b.datname = current_database() AND g.grantee <> d.defaclrole AND (d.defaclnamespace = 0 OR n.oid IS NOT NULL)
      ) AS each_privilege
      GROUP BY name, parent, verb, type
    ) AS each_verb
    GROUP BY name, parent`,
} as const satisfies Record<string, string>;
