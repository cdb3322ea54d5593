/** A Prisma schema as SQL, by the engine of the project's own Prisma. What it says is what `prisma migrate diff` prints. */
import { readFile } from "node:fs/promises";
import type pg from "pg";
import { DriftError, messageOf } from "../model/errors.ts";
import { offline, online } from "./adapter.ts";
import { type Externals, NO_EXTERNALS } from "./externals.ts";
import { type StartEngine, startable } from "./glue.ts";
import { type Located, locateEngine } from "./locate.ts";
import { diffByProgram } from "./native.ts";
import type { SchemaFile } from "./schema-file.ts";

const NO_CHANGE = "-- This is an empty migration.";
const started = new Map<string, Promise<StartEngine>>();

/** A database that the engine shall read. */
type Source = { client: pg.Client; url: string; schema: string };

/**
 * The statements that make an empty database what the schema says.
 * @throws Error when Prisma does not accept it, DriftError when there is no engine.
 */
export function schemaToSql(
  files: SchemaFile[],
  externals: Externals = NO_EXTERNALS,
): Promise<string> {
  return diff(files, null, externals);
}

/**
 * The statements that bring a database to the schema; empty when it is that already.
 * @param source.schema PostgreSQL's, that names without one mean.
 * @throws Error when the engine cannot compare them.
 */
export async function changesToSql(
  files: SchemaFile[],
  source: Source,
  externals: Externals = NO_EXTERNALS,
): Promise<string> {
  const sql = (await diff(files, source, externals)).trim();
  return sql === NO_CHANGE ? "" : sql;
}

async function diff(
  given: SchemaFile[],
  source: Source | null,
  { tables, enums }: Externals,
): Promise<string> {
  const engine = locateEngine(given[0]?.path ?? ".");
  const files = engine.major >= 7 ? given.map(withoutUrls) : given;
  const params = {
    from: source ? { tag: "schemaDatasource", files, configDir: "." } : { tag: "empty" },
    to: { tag: "schemaDatamodel", files },
    script: true,
    exitCode: null,
    shadowDatabaseUrl: null,
    filters: { externalTables: tables, externalEnums: enums },
  };
  return engine.kind === "native"
    ? inProgram(engine, params, source)
    : inProcess(engine, files, params, source);
}

async function inProcess(
  { path }: Located,
  files: SchemaFile[],
  params: object,
  source: Source | null,
): Promise<string> {
  const start = started.get(path) ?? readFile(path).then(startable).catch(explainMemory);
  started.set(path, start);
  const datamodels = files.map(({ path, content }) => [path, content]);
  const adapter = source ? online(source.client, source.schema) : offline;
  const engine = await (await start)({ datamodels }, () => undefined, adapter);
  const { stdout } = await engine.diff(params);
  return stdout ?? "";
}

/** Node sets aside ten gigabytes of addresses for it, which a limit such as `ulimit -v` forbids. */
function explainMemory(error: unknown): never {
  if (!/Wasm memory/i.test(messageOf(error))) throw error;
  throw new DriftError(
    "Prisma's engine needs more room for addresses than this process may have. Set NODE_OPTIONS=--disable-wasm-trap-handler, with which it needs little.",
    { cause: error },
  );
}

/** Before version 7 the program takes the address from the request alone. */
function inProgram(
  { path, major }: Located,
  params: object,
  source: Source | null,
): Promise<string> {
  if (!source) return diffByProgram(path, params);
  const url = new URL(source.url);
  url.searchParams.set("schema", source.schema);
  if (major >= 7 || major === 0) return diffByProgram(path, params, url.href);
  return diffByProgram(path, { ...params, from: { tag: "url", url: url.href } });
}

/** Version 7 refuses addresses in the schema, and they say nothing of what it makes. Lines stay where they are. */
function withoutUrls({ path, content }: SchemaFile): SchemaFile {
  const withoutThem = content.replace(/^datasource\s+\w+\s*\{[^}]*\}/gm, (block) =>
    block.replace(/^\s*(url|directUrl|shadowDatabaseUrl)\s*=.*$/gm, ""),
  );
  return { path, content: withoutThem };
}
