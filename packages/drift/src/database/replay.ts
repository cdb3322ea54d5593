/** Makes what SQL files declare. */

import pg from "pg";
import { CANONICAL_OUTPUT, inReadTransaction } from "../catalog/catalog.ts";
import { readObjects, type Scope } from "../catalog/objects.ts";
import { codeOf, DriftError, messageOf } from "../model/errors.ts";
import type { CatalogObject } from "../model/object.ts";
import { type Externals, NO_EXTERNALS } from "../prisma/externals.ts";
import type { SchemaFile } from "../prisma/schema-file.ts";
import { isConnectionLoss } from "./connection.ts";
import { withGeneratedColumn } from "./generated.ts";
import { isHeld, requireLasting, runScript } from "./hold.ts";
import { type ScratchServer, withScratchDatabase } from "./scratch.ts";

export type Script = {
  /** Where the objects are declared, as people know the file. */
  path: string;
  sql: string;
  /** The files that `sql` was made from, where it is not the text of `path`: positions in it are not positions there. */
  sources?: SchemaFile[];
};

/** What is read, and the schema that names without one mean; null leaves it to the server. */
export type ReplayOptions = Scope & {
  defaultSchema: string | null;
  /** A server that was named for scratch databases: what scripts do to it is what they are for. */
  shadowUrl?: string | null;
  externals?: Externals;
};

export type Built = {
  objects: CatalogObject[];
  /** The scripts as they could be applied. */
  scripts: Script[];
};

/**
 * Applies the scripts one after the other and reads the result, on which more may be built.
 * @throws DriftError that points at the place when one fails.
 */
export async function build(
  client: pg.Client,
  scripts: Script[],
  options: ReplayOptions,
): Promise<CatalogObject[]> {
  const { objects } = await buildInOrder(client, scripts, options);
  requireLasting(client);
  return objects;
}

/** The same, and tells in which order and form the scripts could be applied. */
export async function buildInOrder(
  client: pg.Client,
  scripts: Script[],
  options: ReplayOptions,
): Promise<Built> {
  const applied = await applyAll(client, scripts, options);
  return { objects: await readMade(client, options), scripts: applied };
}

/** What scripts have made, also in a transaction that is still open. */
export async function readMade(client: pg.Client, options: Scope): Promise<CatalogObject[]> {
  const read = () => readObjects(client, options);
  if (!isHeld(client)) return inReadTransaction(client, read);
  await client.query(`SAVEPOINT reading; ${CANONICAL_OUTPUT}`);
  try {
    return await read();
  } finally {
    await client.query("ROLLBACK TO reading; RELEASE reading");
  }
}

/** What scripts make in a scratch database. They may still be on their way while that is made. */
export function buildIn(
  server: ScratchServer,
  scripts: Script[] | Promise<Script[]>,
  options: ReplayOptions,
): Promise<Built> {
  return withScratchDatabase(server, async (scratch) =>
    buildInOrder(scratch, await scripts, options),
  );
}

/**
 * Prisma's part may stand on what a hand-written file makes that lies beside the others. Then those of them that can come
 * first do.
 */
async function applyAll(
  client: pg.Client,
  scripts: Script[],
  options: ReplayOptions,
): Promise<Script[]> {
  const done: Script[] = [];
  const waiting = [...scripts];
  for (let script = waiting.shift(); script; script = waiting.shift()) {
    const first = script.sources ? await applyPrisma(client, script, waiting, options) : null;
    if (!first) await applyScript(client, script, options);
    done.push(...(first ?? [script]));
  }
  return done;
}

/** Takes the scripts out of `waiting` that had to come before. */
async function applyPrisma(
  client: pg.Client,
  script: Script,
  waiting: Script[],
  options: ReplayOptions,
): Promise<Script[]> {
  try {
    return [await applyGenerated(client, script, options)];
  } catch (error) {
    if (isConnectionLoss(error)) throw error;
    const first: Script[] = [];
    for (const other of [...waiting]) {
      if (!(await applyScript(client, other, options).then(Boolean, () => false))) continue;
      first.push(...waiting.splice(waiting.indexOf(other), 1));
    }
    const second = first.length === 0 ? null : applyGenerated(client, script, options);
    const applied = await second?.catch(() => null);
    if (applied) return [...first, applied];
    const hint =
      "What Prisma's part stands on belongs into a folder `before` of the hand-written SQL; `tenantry-drift init` writes it from the migrations.";
    throw new DriftError(`${messageOf(error)}\n${hint}`, { cause: error });
  }
}

/** A schema says of a generated column that its default reads other columns. */
async function applyGenerated(
  client: pg.Client,
  script: Script,
  options: ReplayOptions,
): Promise<Script> {
  for (let sql = script.sql; ; ) {
    try {
      return await applyScript(client, { ...script, sql }, options);
    } catch (error) {
      const generated = generatedFrom(sql, error instanceof Error ? error.cause : null);
      if (generated === sql) throw error;
      sql = generated;
    }
  }
}

function generatedFrom(sql: string, cause: unknown): string {
  if (!(cause instanceof pg.DatabaseError) || cause.code !== "0A000") return sql;
  return withGeneratedColumn(sql, indexOf(sql, Number(cause.position)));
}

/** One simple query a file, as Prisma sends a migration. */
export async function applyScript(
  client: pg.Client,
  script: Script,
  { defaultSchema, shadowUrl = null, externals = NO_EXTERNALS }: ReplayOptions,
): Promise<Script> {
  const settings = ["SET lock_timeout = '10s'; SET statement_timeout = '5min'"];
  if (defaultSchema !== null) {
    const name = pg.escapeIdentifier(defaultSchema);
    settings.unshift(`CREATE SCHEMA IF NOT EXISTS ${name}`);
    settings.push(`SET search_path = ${name}`);
  }
  try {
    await runScript(client, settings.join("; "), script.sql, shadowUrl !== null);
    return script;
  } catch (error) {
    if (isConnectionLoss(error)) throw error;
    const isLacking = /^(42P01|42704|3F000)$/.test(codeOf(error) ?? "");
    const hint = isLacking && lacksPrelude(externals) ? `\n${PRELUDE}` : "";
    throw new DriftError(describe(script, error) + hint, { cause: error });
  }
}

const PRELUDE =
  "Tables and enums that prisma.config leaves to others are made for a replay, and for Prisma's shadow database, by its migrations.initShadowDb.";

function lacksPrelude({ tables, enums, prelude }: Externals): boolean {
  return prelude === null && tables.length + enums.length > 0;
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
function indexOf(sql: string, position: number): number {
  return [...sql].slice(0, position - 1).join("").length;
}

function locate(sql: string, position: number): { line: number; column: number; text: string } {
  const before = sql.slice(0, indexOf(sql, position));
  const lineStart = before.lastIndexOf("\n") + 1;
  return {
    line: before.split("\n").length,
    column: before.length - lineStart + 1,
    text: sql.slice(lineStart).split(/\r?\n/, 1)[0] ?? "",
  };
}
