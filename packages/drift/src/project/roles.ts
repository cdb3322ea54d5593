/** What a project says of the server's roles, in a manifest, as no replay can say it. */
import { NO_RIGHTS, type Role, roleObject } from "../catalog/roles.ts";
import { DriftError, messageOf } from "../model/errors.ts";
import type { Place } from "../model/finding.ts";
import { type CatalogObject, keyOf } from "../model/object.ts";
import { readText } from "./files.ts";

export type RolesManifest = {
  objects: CatalogObject[];
  places: Map<string, Place>;
  /** Null where there is no manifest: then no role is compared, not even one that nobody named. */
  names: string[] | null;
};

/** Name to attributes; what is not named is false or empty. */
export async function readRolesManifest(path: string | null): Promise<RolesManifest> {
  if (path === null) return { objects: [], places: new Map(), names: null };
  const text = await readText(path);
  const lines = text.split("\n");
  const objects = Object.entries(parse(path, text)).map(([name, role]) => roleObject(name, role));
  const places = objects.map((object): [string, Place] => {
    const line = lines.findIndex((line) => line.includes(`"${object.name}"`)) + 1;
    return [keyOf(object), { path, line: line || null }];
  });
  return { objects, places: new Map(places), names: objects.map(({ name }) => name) };
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
