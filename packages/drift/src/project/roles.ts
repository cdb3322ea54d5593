/**
 * Roles belong to the server and not to a database, so no replay can say what they should be. A manifest does, where a
 * project has one; it is compared as any other objects are.
 */
import { readFile } from "node:fs/promises";
import type pg from "pg";
import { DriftError, messageOf } from "../model/errors.ts";
import type { CatalogObject } from "../model/object.ts";
import type { State } from "./compare.ts";
import type { Place } from "./provenance.ts";

type Role = {
  superuser: boolean;
  bypassrls: boolean;
  createdb: boolean;
  createrole: boolean;
  login: boolean;
  replication: boolean;
  memberOf: string[];
  settings: Record<string, string>;
};

export type RolesManifest = { objects: CatalogObject[]; places: Map<string, Place> };

const NO_RIGHTS: Role = {
  superuser: false,
  bypassrls: false,
  createdb: false,
  createrole: false,
  login: false,
  replication: false,
  memberOf: [],
  settings: {},
};

/** Name to attributes; what is not named is false or empty. */
export async function readRolesManifest(path: string | null): Promise<RolesManifest | null> {
  if (path === null) return null;
  const text = await readFile(path, "utf8").catch((error) => {
    throw new DriftError(`${path} cannot be read: ${messageOf(error)}`, { cause: error });
  });
  const lines = text.split("\n");
  const objects = Object.entries(parse(path, text)).map(([name, role]) => toObject(name, role));
  const places = objects.map(({ name }): [string, Place] => {
    const line = lines.findIndex((line) => line.includes(`"${name}"`)) + 1;
    return [`role ${name}`, { path, line: line || null }];
  });
  return { objects, places: new Map(places) };
}

/** A state with the roles of the manifest in it. */
export function withRoles(state: State, manifest: RolesManifest | null): State {
  if (manifest === null) return state;
  return {
    objects: [...state.objects, ...manifest.objects],
    async places(objects) {
      const others = objects.filter(({ kind }) => kind !== "role");
      const places = others.length > 0 ? await state.places(others) : [];
      return new Map([...places, ...manifest.places]);
    },
  };
}

/**
 * The roles of the manifest as they are, and those that it does not name though row-level security does not hold them:
 * they, or a role that they may become, are SUPERUSER or BYPASSRLS, and they reach a table. The server's own
 * superuser is in every cluster and is not listed.
 */
export async function readRoles(
  client: pg.Client,
  manifest: RolesManifest,
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
    [manifest.objects.map(({ name }) => name), schemas],
  );
  return rows.map(({ name, settings, ...role }) =>
    toObject(name, { ...role, settings: Object.fromEntries(settings.map(setting)) }),
  );
}

function toObject(name: string, role: Role): CatalogObject {
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

/** `name=value`, where the value may have an equals sign of its own. */
function setting(text: string): [string, string] {
  const end = text.indexOf("=");
  return [text.slice(0, end), text.slice(end + 1)];
}

function parse(path: string, text: string): Record<string, Role> {
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch (error) {
    throw new DriftError(`${path} is not JSON: ${messageOf(error)}`, { cause: error });
  }
  if (!isObject(manifest)) throw new DriftError(`${path} is not an object of roles by name.`);
  const roles = Object.entries(manifest).map(([name, given]) => {
    if (!isObject(given)) throw new DriftError(`${path}: the role ${name} is not an object.`);
    for (const [key, value] of Object.entries(given)) check(path, name, key, value);
    return [name, { ...NO_RIGHTS, ...given }] as const;
  });
  return Object.fromEntries(roles);
}

function check(path: string, role: string, key: string, value: unknown): void {
  const example = Object.entries(NO_RIGHTS).find(([known]) => known === key)?.[1];
  const isRight =
    key === "memberOf"
      ? Array.isArray(value) && value.every((name) => typeof name === "string")
      : key === "settings"
        ? isObject(value) && Object.values(value).every((text) => typeof text === "string")
        : typeof example === "boolean" && typeof value === "boolean";
  if (isRight) return;
  throw new DriftError(
    `${path}: ${role}.${key} is not understood. Known are ${Object.keys(NO_RIGHTS).join(", ")}: the first six true or false, memberOf a list of names, settings texts by name.`,
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
