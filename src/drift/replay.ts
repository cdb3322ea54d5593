/** Applies SQL files and remembers which of them made or last changed each object. */
import pg from "pg";
import { inSnapshot, readCatalog } from "./catalog.ts";
import { DriftError, messageOf } from "./errors.ts";
import { type CatalogObject, keyOf } from "./object.ts";

export type Script = {
  /** Where the objects are declared, as people know the file. */
  path: string;
  sql: string;
  /** True when `sql` was made from the file, so that positions in it are not positions in the file. */
  generated?: boolean;
};

export type Replayed = {
  objects: CatalogObject[];
  /** Path of the script that declares an object, by its key. */
  declaredIn: Map<string, string>;
};

export type ReplayOptions = {
  /** The schemas whose objects are read. */
  schemas: string[];
  /** The schema that names without one mean; null leaves it to the server. */
  defaultSchema: string | null;
};

/** Applies the scripts one after the other. Throws a DriftError that points at the place when one fails. */
export async function replay(
  client: pg.Client,
  scripts: Script[],
  options: ReplayOptions,
): Promise<Replayed> {
  const read = () => inSnapshot(client, () => readCatalog(client, options.schemas));
  const declaredIn = new Map<string, string>();
  let objects = await read();
  for (const script of scripts) {
    await apply(client, script, options);
    const before = new Map(objects.map((object) => [keyOf(object), object.definition]));
    objects = await read();
    for (const object of objects) {
      if (before.get(keyOf(object)) !== object.definition)
        declaredIn.set(keyOf(object), script.path);
    }
  }
  return { objects, declaredIn };
}

/** One simple query a file, as Prisma sends a migration: all of it happens or nothing does. */
async function apply(
  client: pg.Client,
  script: Script,
  { defaultSchema }: ReplayOptions,
): Promise<void> {
  await client.query("DISCARD ALL"); // What one script sets must not reach the next.
  await client.query("SET lock_timeout = '10s'; SET statement_timeout = '5min'");
  if (defaultSchema !== null) {
    const name = pg.escapeIdentifier(defaultSchema);
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${name}; SET search_path = ${name}`);
  }
  try {
    await client.query(script.sql);
  } catch (error) {
    throw new DriftError(describe(script, error), { cause: error });
  }
}

function describe({ path, sql, generated }: Script, error: unknown): string {
  const origin = generated ? `${path}, as SQL` : path;
  if (!(error instanceof pg.DatabaseError))
    return `${origin} could not be applied: ${messageOf(error)}`;

  const notes = [error.where, error.detail, error.hint && `hint: ${error.hint}`].filter(Boolean);
  const place = error.position ? locate(sql, Number(error.position)) : null;
  if (!place) return [`${origin}: ${error.message}`, ...notes].join("\n");
  const gutter = String(place.line);
  return [
    `${origin}:${place.line}:${place.column}: ${error.message}`,
    `  ${gutter} | ${place.text}`,
    `  ${" ".repeat(gutter.length)} | ${place.text.slice(0, place.column - 1).replace(/[^\t]/g, " ")}^`,
    ...notes,
  ].join("\n");
}

/** PostgreSQL counts characters from 1, where a character outside the basic plane is one and not two. */
function locate(sql: string, position: number): { line: number; column: number; text: string } {
  const before = [...sql].slice(0, position - 1).join("");
  const lineStart = before.lastIndexOf("\n") + 1;
  return {
    line: before.split("\n").length,
    column: before.length - lineStart + 1,
    text: sql.slice(lineStart).split(/\r?\n/, 1)[0] ?? "",
  };
}
