/** Bringing a backup back by pg_restore, into an empty database, and looking whether all of it came. */
import type pg from "pg";
import { type AuditKeyring, readAuditKeys } from "../../audit/keys.ts";
import { type Verification, verifyAuditLog } from "../../audit/verify.ts";
import { createDatabase, createPool } from "../../db/client.ts";
import { acrossTenants } from "../../db/scope.ts";
import { describeError } from "../../log.ts";
import { CannotRun } from "../cannot-run.ts";
import { withClient } from "../connection.ts";
import { countRows, firstObject } from "./contents.ts";
import { hashOf, type Manifest, readManifest } from "./manifest.ts";
import { readServer, SNAPSHOT_FILE } from "./server.ts";
import { environmentOf, findTool, runTool } from "./tools.ts";

export type Check = { name: string; right: boolean; what: string };
export type Restored = { database: string; manifest: Manifest; checks: Check[] };

type Options = {
  databaseUrl: string;
  path: string;
  /** That made the keys of the audit log, or opens those that are kept in it. */
  keyring: AuditKeyring;
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
  progress(step: string): void;
};

const MEGABYTE = 1024 * 1024;
/** Of one step of the verification. */
const TIMEOUT_SECONDS = 300;

/**
 * One transaction: what is broken off leaves the database as empty as it was.
 * @throws CannotRun before anything is written, when the file is another one, the database holds something, a role is
 * missing or no pg_restore fits; and with what pg_restore said, when it fails.
 */
export async function restore(options: Options): Promise<Restored> {
  const { databaseUrl, path, env, signal, progress } = options;
  const manifest = await readManifest(path);
  await assertWhole(options, manifest);
  progress("connecting");
  const database = await withClient(
    databaseUrl,
    { name: "restore", statementMillis: 0, signal },
    async (client) => {
      const server = await readServer(client);
      const [dumpedBy = "0"] = manifest.toolVersion.split(".");
      const tool = await findTool("pg_restore", Math.max(server.major, Number(dumpedBy)), env);
      await assertEmpty(client, server.database);
      await assertRoles(client, manifest);
      progress(`restoring ${Math.round(manifest.bytes / MEGABYTE)} MB`);
      const timer = setInterval(
        () =>
          void sizeOf(client).then(
            (bytes) => progress(`restoring, ${Math.round(bytes / MEGABYTE)} MB so far`),
            () => {},
          ),
        2000,
      );
      const args = [
        "--single-transaction",
        "--exit-on-error",
        `--dbname=${server.database}`,
        "--no-password",
        path,
      ];
      await runTool(tool, args, { env: environmentOf(databaseUrl, env), signal }).finally(() =>
        clearInterval(timer),
      );
      return server.database;
    },
  );
  // The database is no longer empty: from here on a fault is one of what is there.
  const checks = await compare(options, manifest).catch((error) => [
    {
      name: "comparison",
      right: false,
      what: `broken off: ${error instanceof CannotRun ? error.message : describeError(error)}`,
    },
  ]);
  return { database, manifest, checks };
}

async function assertWhole({ path, signal, progress }: Options, manifest: Manifest): Promise<void> {
  if (!(await Bun.file(path).exists())) throw new CannotRun(`there is no file ${path}.`);
  const hash = await hashOf(path, (bytes) => {
    signal.throwIfAborted();
    progress(`hashing, ${Math.round(bytes / MEGABYTE)} MB`);
  });
  if (hash !== manifest.sha256)
    throw new CannotRun(
      `${path} is not the file that was written: its SHA-256 is another one. Nothing was restored.`,
    );
}

async function assertEmpty(client: pg.Client, database: string): Promise<void> {
  const found = await firstObject(client);
  if (found)
    throw new CannotRun(
      `the database ${database} is not empty: there is the ${found}. Restore into a new one: createdb restored`,
    );
}

/** They belong to the server, and are in no backup of a database. */
async function assertRoles(client: pg.Client, { roles }: Manifest): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    "SELECT name FROM unnest($1::text[]) AS name WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)",
    [roles],
  );
  if (rows.length === 0) return;
  const statements = rows.map(
    ({ name }) => `CREATE ROLE ${client.escapeIdentifier(name)} NOLOGIN;`,
  );
  throw new CannotRun(
    `this server has not the roles that the backup speaks of. Make them first:\n  ${statements.join("\n  ")}`,
  );
}

async function sizeOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ bytes: number }>(
    "SELECT pg_database_size(current_database())::float8 AS bytes",
  );
  return rows[0]?.bytes ?? 0;
}

async function compare(options: Options, manifest: Manifest): Promise<Check[]> {
  const { databaseUrl, keyring, signal, progress } = options;
  const rows = await withClient(
    databaseUrl,
    { name: "restore", statementMillis: 0, signal },
    async (client) => {
      // A backup holds no statistics: until there are some, plans are bad ones.
      progress("ANALYZE");
      await client.query("ANALYZE");
      return countRows(client, (name) => {
        signal.throwIfAborted();
        progress(`counting the rows of ${name}`);
      });
    },
  );
  progress("comparing the schema");
  const { readFingerprints } = await import("@tenantry/drift/fingerprint");
  const fingerprint = await readFingerprints(databaseUrl, SNAPSHOT_FILE);
  progress("verifying the audit log");
  return [
    schemaCheck(manifest, fingerprint),
    rowsCheck(manifest.rows, rows),
    auditCheck(await verify(databaseUrl, keyring, manifest)),
  ];
}

function schemaCheck({ fingerprint: then }: Manifest, now: Manifest["fingerprint"]): Check {
  const right = now.live === then.live;
  const isSame = now.expected === now.live;
  const other = then.expected === now.expected ? "" : ", which was made by another build";
  return {
    name: "schema",
    right,
    what: right
      ? `as it was backed up, and ${isSame ? "as this build declares it" : "not as this build declares it: bunx prisma migrate deploy, then bun run drift"}`
      : `not as it was backed up${other}: bun run drift names each difference`,
  };
}

function rowsCheck(then: Record<string, number>, now: Record<string, number>): Check {
  const names = [...new Set([...Object.keys(then), ...Object.keys(now)])];
  const different = names.filter((name) => then[name] !== now[name]);
  const all = Object.values(now).reduce((sum, count) => sum + count, 0);
  const list = different.map(
    (name) => `${name} ${now[name] ?? "absent"} and not ${then[name] ?? "absent"}`,
  );
  return {
    name: "rows",
    right: different.length === 0,
    what:
      different.length === 0
        ? `${all.toLocaleString("en-US")} in ${names.length} tables, as they were backed up`
        : list.join(", "),
  };
}

function auditCheck(result: Verification): Check {
  return { name: "audit log", right: result.intact, what: auditInWords(result) };
}

function auditInWords(result: Verification): string {
  switch (result.state) {
    case "intact":
      return `intact: ${result.sealed.toLocaleString("en-US")} rows here, ${result.archived} archived, ${result.unsealed} not sealed yet`;
    case "broken":
      return `broken: ${result.breach.what}${result.breach.row ? `, row ${result.breach.row.id}` : ""}`;
    case "key_missing":
      return "sealed with a key that is not at hand: bun run audit verify says which";
    case "restored":
      return "brought back to an older state before: bun run audit verify says when";
  }
}

async function verify(
  databaseUrl: string,
  keyring: AuditKeyring,
  { head }: Manifest,
): Promise<Verification> {
  const pool = createPool({
    databaseUrl,
    databasePoolSize: 1,
    databaseTimeoutSeconds: TIMEOUT_SECONDS,
  });
  const db = createDatabase(pool, TIMEOUT_SECONDS);
  try {
    return await acrossTenants(async () => {
      const { keys } = await readAuditKeys(db, keyring);
      return verifyAuditLog(db, [...keyring.audit, ...keys], { ...(head && { head }) });
    });
  } finally {
    await db.$disconnect();
    await pool.end();
  }
}
