/** Roles belong to the server and not to a database; they become objects, so that they are compared as all else is. */
import type pg from "pg";
import type { CatalogObject } from "../model/object.ts";

export type Role = {
  superuser: boolean;
  bypassrls: boolean;
  createdb: boolean;
  createrole: boolean;
  login: boolean;
  replication: boolean;
  memberOf: string[];
  settings: Record<string, string>;
};

export const NO_RIGHTS: Role = {
  superuser: false,
  bypassrls: false,
  createdb: false,
  createrole: false,
  login: false,
  replication: false,
  memberOf: [],
  settings: {},
};

/**
 * The named roles as they are, and those that nobody named though row-level security does not hold them:
 * they, or a role that they may become, are SUPERUSER or BYPASSRLS, and they reach a table. The server's own
 * superuser is in every cluster and is not listed.
 */
export async function readRoles(
  client: pg.Client,
  named: string[],
  schemas: string[],
): Promise<CatalogObject[]> {
  const { rows } = await client.query<Role & { name: string; settings: string[] }>(
    `SELECT rolname AS name, rolsuper AS superuser, rolbypassrls AS bypassrls, rolcreatedb AS createdb,
       rolcreaterole AS createrole, rolcanlogin AS login, rolreplication AS replication,
       ARRAY(SELECT g.rolname::text FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid
         WHERE m.member = r.oid) AS "memberOf",
       ARRAY(SELECT unnest(s.setconfig) FROM pg_db_role_setting s
         WHERE s.setrole = r.oid AND s.setdatabase = 0) AS settings
     FROM pg_roles r
     WHERE rolname = ANY ($1) OR (
       r.oid <> 10 AND rolname !~ '^pg_' AND has_database_privilege(r.oid, current_database(), 'CONNECT')
       AND EXISTS (SELECT FROM pg_roles h WHERE (h.rolsuper OR h.rolbypassrls) AND pg_has_role(r.oid, h.oid, 'MEMBER'))
       AND EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = ANY ($2) AND c.relkind IN ('r', 'p')
           AND has_table_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE')))`,
    [named, schemas],
  );
  return rows.map(({ name, settings, ...role }) =>
    roleObject(name, { ...role, settings: Object.fromEntries(settings.map(setting)) }),
  );
}

export function roleObject(name: string, role: Role): CatalogObject {
  const { memberOf, settings, ...attributes } = role;
  const set = Object.entries(settings).map(([key, value]) => `SET ${key} = ${value}`);
  const definition = [
    "ROLE",
    ...Object.entries(NO_RIGHTS)
      .filter(([key]) => attributes[key as keyof typeof attributes] === true)
      .map(([key]) => key.toUpperCase()),
    ...(memberOf.length > 0 ? [`MEMBER OF ${memberOf.toSorted().join(", ")}`] : []),
    ...set.sort(),
  ].join(" ");
  return { kind: "role", schema: "", name, parent: "", definition };
}

/** Roles are no part of a database: no replay makes them, and no repair mends them. */
export function isRole({ kind }: Pick<CatalogObject, "kind">): boolean {
  return kind === "role";
}

/** `name=value`, where the value may have an equals sign of its own. */
function setting(text: string): [string, string] {
  const end = text.indexOf("=");
  return [text.slice(0, end), text.slice(end + 1)];
}
