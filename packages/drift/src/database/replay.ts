/** Applies SQL files and remembers which of them made or last changed each object. */
import type { SchemaFile } from "@tenantry/prisma-engine/to-sql";
import pg from "pg";
import { inReadTransaction } from "../catalog/catalog.ts";
import { readObjects, type Scope } from "../catalog/objects.ts";
import { DriftError, messageOf } from "../model/errors.ts";
import { type CatalogObject, keyOf } from "../model/object.ts";
import { type ScratchServer, withScratchDatabase } from "./scratch.ts";

export type Script = {
  /** Where the objects are declared, as people know the file. */
  path: string;
  sql: string;
  /** The files that `sql` was made from, where it is not the text of `path`: positions in it are not positions there. */
  sources?: SchemaFile[];
};

export type Replayed = {
  objects: CatalogObject[];
  /** Path of the script that declares an object, by its key. */
  declaredIn: Map<string, string>;
};

/** What is read, and the schema that names without one mean; null leaves it to the server. */
export type ReplayOptions = Scope & { defaultSchema: string | null };

/** Applies the scripts one after the other and reads the result. Throws a DriftError that points at the place when one fails. */
export async function build(
  client: pg.Client,
  scripts: Script[],
  options: ReplayOptions,
): Promise<CatalogObject[]> {
  for (const script of scripts) await apply(client, script, options);
  return inReadTransaction(client, () => readObjects(client, options));
}

/** The same, and reads also between the scripts, to learn which of them declares each object. */
async function replay(
  client: pg.Client,
  scripts: Script[],
  options: ReplayOptions,
): Promise<Replayed> {
  const declaredIn = new Map<string, string>();
  let objects = await build(client, [], options);
  for (const script of scripts) {
    const before = new Map(objects.map((object) => [keyOf(object), object.definition]));
    objects = await build(client, [script], options);
    for (const object of objects) {
      if (before.get(keyOf(object)) !== object.definition)
        declaredIn.set(keyOf(object), script.path);
    }
  }
  return { objects, declaredIn };
}

/** What scripts make in a scratch database. They may still be on their way while that is made. */
export function buildIn(
  server: ScratchServer,
  scripts: Script[] | Promise<Script[]>,
  options: ReplayOptions,
): Promise<CatalogObject[]> {
  return withScratchDatabase(server, async (scratch) => build(scratch, await scripts, options));
}

/** The same with the script that declares each object. */
export function replayIn(
  server: ScratchServer,
  scripts: Script[],
  options: ReplayOptions,
): Promise<Replayed> {
  return withScratchDatabase(server, (scratch) => replay(scratch, scripts, options));
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

function describe({ path, sql, sources }: Script, error: unknown): string {
  const origin = sources ? `${path}, as SQL` : path;
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
