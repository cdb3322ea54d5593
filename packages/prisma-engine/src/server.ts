import { readFileSync } from "node:fs";
import { bindMigrationAwareSqlAdapterFactory } from "@prisma/driver-adapter-utils";
import type { SchemaEngine } from "@prisma/schema-engine-wasm/schema_engine_bg";
import pg from "pg";
import { createFactory, type Failures } from "./adapter.ts";
import type { Datasource } from "./connection.ts";
import { EngineError, migrationError, readable } from "./errors.ts";
import { listenForPanic, loadSchemaEngine } from "./wasm.ts";

type Request = { id: number; method: string; params?: Record<string, unknown> };
type CodedError = Error & { code?: string; meta?: unknown };

const SERVER_ERROR = 4466;

/**
 * Answers JSON-RPC requests, one a line, until the Prisma CLI closes standard input. A request that is
 * under way then, a migration perhaps, is finished first.
 */
export async function serve(datasource: Datasource, schemaPaths: string[]): Promise<void> {
  const failures: Failures = {};
  const panic = Promise.withResolvers<never>();
  let engine: SchemaEngine | undefined;
  // It may come when nothing waits for it.
  panic.promise.catch(() => undefined);

  async function answer(request: Request): Promise<unknown> {
    engine ??= await start(request);
    return call(engine, request);
  }

  async function start(request: Request): Promise<SchemaEngine> {
    listenForPanic(panic.reject);
    const Engine = await loadSchemaEngine();
    const factory = createFactory(datasource, readsOnlyFiles(request), failures);
    const datamodels = schemaPaths.map((path): [string, string] => [
      path,
      readFileSync(path, "utf8"),
    ]);

    return Engine.new(
      { datamodels: datamodels.length > 0 ? datamodels : undefined },
      (line: string) => process.stderr.write(line),
      bindMigrationAwareSqlAdapterFactory(factory),
    );
  }

  for await (const line of console) {
    const request = JSON.parse(line || "{}") as Partial<Request>;
    // The last line is empty, and the answer to our `print` has no method.
    if (!isRequest(request)) continue;

    try {
      send({ id: request.id, result: await Promise.race([answer(request), panic.promise]) });
    } catch (err) {
      send({ id: request.id, error: rpcError(err, failures.last) });
    }
    delete failures.last;
  }
}

/** The methods of the protocol are those of the class, all but one. */
async function call(engine: SchemaEngine, { id, method, params }: Request): Promise<unknown> {
  if (method === "introspectSql") throw new Error("TypedSQL is not available: use $queryRaw.");

  const run: unknown = Reflect.get(engine, method === "getDatabaseVersion" ? "version" : method);
  if (typeof run !== "function") throw new Error(`Unknown method: ${method}`);

  const result: unknown = await run.call(engine, params);
  // The CLI leaves the printing of a difference to the engine.
  if (method === "diff") {
    const { stdout } = result as { stdout: string };
    send({ id, method: "print", params: { content: stdout } });
  }

  return result ?? {};
}

function isRequest(message: Partial<Request>): message is Request {
  return message.method !== undefined;
}

function readsOnlyFiles({ method, params }: Request): boolean {
  const targets = [params?.from, params?.to] as ({ tag: string } | undefined)[];
  return method === "diff" && !targets.some((target) => target?.tag === "schemaDatasource");
}

function rpcError(err: unknown, failure: unknown): object {
  const { message, code, meta } = explain(err as CodedError, failure);
  const data = { is_panic: false, message, error_code: code, meta: meta ?? null };
  return { code: SERVER_ERROR, message, data };
}

/** Gives back to an error what it lost in the engine. */
function explain(err: CodedError, failure: unknown): CodedError {
  if (err.code) return Object.assign(err, { message: readable(err.message) });
  if (failure instanceof EngineError) return failure;

  const migration = /with migration_name="([^"]+)"/.exec(err.message)?.[1];
  if (migration && failure instanceof pg.DatabaseError) return migrationError(migration, failure);
  return new Error(readable(String(err.message)));
}

function send(message: object): void {
  process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
}
