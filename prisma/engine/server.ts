import { readFileSync } from "node:fs";
import { bindMigrationAwareSqlAdapterFactory } from "@prisma/driver-adapter-utils";
import type { SchemaEngine } from "@prisma/schema-engine-wasm/schema_engine_bg";
import pg from "pg";
import { createFactory, type Failures } from "./adapter.ts";
import type { Datasource } from "./connection.ts";
import { EngineError, migrationError, readable } from "./errors.ts";
import { loadSchemaEngine } from "./wasm.ts";

type Request = { id: number; method?: string; params?: Record<string, unknown> };
type Reply = { result: unknown } | { error: { code: number; message: string; data: ErrorData } };
type ErrorData = { is_panic: false; message: string; error_code?: string; meta: unknown };

const SERVER_ERROR = 4466;

/** Answers JSON-RPC requests, one a line, until the Prisma CLI closes standard input. */
export async function serve(datasource: Datasource, schemaPaths: string[]): Promise<void> {
  const failures: Failures = {};
  let engine: SchemaEngine | undefined;

  for await (const line of console) {
    const request = JSON.parse(line || "{}") as Request;
    // The end of the input is an empty line; the answer to our `print` has no method.
    if (!request.method) continue;

    try {
      engine ??= await startEngine(datasource, schemaPaths, readsOnlyFiles(request), failures);
      reply(request, { result: await call(engine, request) });
    } catch (err) {
      const data = errorData(err, failures.last);
      reply(request, { error: { code: SERVER_ERROR, message: data.message, data } });
    }
    delete failures.last;
  }
}

async function startEngine(
  datasource: Datasource,
  schemaPaths: string[],
  isOffline: boolean,
  failures: Failures,
): Promise<SchemaEngine> {
  const SchemaEngine = await loadSchemaEngine();
  const factory = createFactory(datasource, isOffline, failures);
  const schemas = schemaPaths.map((path): [string, string] => [path, readFileSync(path, "utf8")]);
  // It dies of an empty list.
  const datamodels = schemas.length > 0 ? schemas : undefined;

  return SchemaEngine.new({ datamodels }, log, bindMigrationAwareSqlAdapterFactory(factory));
}

/** The methods of the protocol are those of the class, but for one. */
async function call(engine: SchemaEngine, { id, method, params }: Request): Promise<unknown> {
  if (method === "introspectSql") throw new Error("TypedSQL is not available: use $queryRaw.");

  const run: unknown = Reflect.get(engine, method === "getDatabaseVersion" ? "version" : String(method));
  if (typeof run !== "function") throw new Error(`Unknown method: ${method}`);

  const result: unknown = await run.call(engine, params);
  // The CLI leaves the printing of a difference to the engine.
  if (method === "diff") send({ id, method: "print", params: { content: (result as { stdout: string }).stdout } });
  return result ?? {};
}

function readsOnlyFiles({ method, params }: Request): boolean {
  const targets = [params?.from, params?.to] as { tag?: string }[];
  return method === "diff" && !targets.some((target) => target?.tag === "schemaDatasource" || target?.tag === "url");
}

function errorData(err: unknown, failure: unknown): ErrorData {
  const { message, code, meta } = explain(err instanceof Error ? err : new Error(String(err)), failure);
  return { is_panic: false, message, ...(code && { error_code: code }), meta: meta ?? null };
}

function explain(err: Error & { code?: string; meta?: unknown }, failure: unknown): { message: string; code?: string; meta?: unknown } {
  if (err.code) return err;
  if (failure instanceof EngineError) return failure;

  const migrationName = /migration_name="([^"]+)"/.exec(err.message)?.[1];
  if (migrationName && failure instanceof pg.DatabaseError) return migrationError(migrationName, failure);
  return { message: readable(err.message) };
}

function reply({ id }: Request, content: Reply): void {
  send({ id, ...content });
}

function send(message: object): void {
  process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
}

function log(line: string): void {
  process.stderr.write(line);
}
