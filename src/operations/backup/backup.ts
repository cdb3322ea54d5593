/** A backup by pg_dump, with what was noted of the very moment that it shows. */
import { constants } from "node:fs";
import { access, lstat, open, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { CannotRun } from "../cannot-run.ts";
import { withClient } from "../connection.ts";
import { countRows, headOf, migrationsOf, rolesOf } from "./contents.ts";
import { hashOf, type Manifest, manifestPath } from "./manifest.ts";
import { assertSeesAll, readServer, SNAPSHOT_FILE } from "./server.ts";
import { environmentOf, findTool, runTool } from "./tools.ts";

type Options = {
  databaseUrl: string;
  path: string;
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
  progress(step: string): void;
};

/** Its owner alone may read it: it holds addresses, and hashes of passwords. */
const MODE = 0o600;
const MEGABYTE = 1024 * 1024;

/**
 * Writes `path` and its manifest. Under their names they are whole or not there: they are written beside them, and what is
 * broken off leaves nothing. @throws CannotRun
 */
export async function backUp({
  databaseUrl,
  path,
  env,
  signal,
  progress,
}: Options): Promise<Manifest> {
  await assertFree(path);
  const partial = join(dirname(path), `.${basename(path)}.${process.pid}.partial`);
  progress("connecting");
  try {
    // A statement may take as long as it needs: rows are counted.
    return await withClient(
      databaseUrl,
      { name: "backup", statementMillis: 0, signal },
      async (client) => {
        const server = await readServer(client);
        await assertSeesAll(client);
        const tool = await findTool("pg_dump", server.major, env);
        await create(partial);
        await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
        const { rows } = await client.query<{ id: string }>("SELECT pg_export_snapshot() AS id");
        const watch = setInterval(
          () =>
            void stat(partial).then(({ size }) =>
              progress(`dumping, ${Math.round(size / MEGABYTE)} MB`),
            ),
          1000,
        );
        const args = [
          "--format=custom",
          `--file=${partial}`,
          `--snapshot=${rows[0]?.id}`,
          "--no-password",
        ];
        await runTool(tool, args, { env: environmentOf(databaseUrl, env), signal }).finally(() =>
          clearInterval(watch),
        );
        const manifest: Manifest = {
          format: 1,
          madeAt: new Date().toISOString(),
          database: server.database,
          serverVersion: server.version,
          toolVersion: tool.version,
          migrations: await migrationsOf(client),
          roles: await rolesOf(client),
          rows: await countRows(client, (name) => {
            signal.throwIfAborted();
            progress(`counting the rows of ${name}`);
          }),
          head: await headOf(client),
          // On a connection of its own: nothing else than a migration changes a schema.
          fingerprint: await fingerprintOf(databaseUrl),
          sha256: await hashOf(partial, (bytes) => {
            signal.throwIfAborted();
            progress(`hashing, ${Math.round(bytes / MEGABYTE)} MB`);
          }),
          bytes: (await stat(partial)).size,
        };
        await client.query("COMMIT");
        signal.throwIfAborted();
        await settle(partial, path, manifest);
        return manifest;
      },
    );
  } finally {
    await rm(partial, { force: true });
    await rm(manifestPath(partial), { force: true });
  }
}

async function fingerprintOf(databaseUrl: string): Promise<Manifest["fingerprint"]> {
  const { readFingerprints } = await import("@tenantry/drift/fingerprint");
  return readFingerprints(databaseUrl, SNAPSHOT_FILE);
}

/** @throws CannotRun when there is something of this name, or nothing can be written there. */
async function assertFree(path: string): Promise<void> {
  for (const name of [path, manifestPath(path)])
    if (await lstat(name).catch(() => null))
      throw new CannotRun(`${name} is there already. A backup replaces no other one.`);
  const folder = dirname(path);
  const found = await stat(folder).catch(() => null);
  if (!found?.isDirectory())
    throw new CannotRun(`nothing can be written to ${folder}: there is no such folder.`);
  await access(folder, constants.W_OK).catch((cause) => {
    throw new CannotRun(`nothing can be written to ${folder}.`, { cause });
  });
}

/** Before the first byte is in it: whoever opened it while others may read it would keep reading. */
async function create(path: string): Promise<void> {
  const file = await open(path, "wx", MODE);
  await file.close();
}

/** The manifest first: where the backup has its name, all is there. */
async function settle(partial: string, path: string, manifest: Manifest): Promise<void> {
  await writeFile(manifestPath(partial), `${JSON.stringify(manifest, null, 2)}\n`, { mode: MODE });
  await sync(partial);
  await sync(manifestPath(partial));
  await assertFree(path);
  await rename(manifestPath(partial), manifestPath(path));
  await rename(partial, path);
  await sync(dirname(path));
}

/** To the disk, so that a machine that loses its power has it or has not. */
async function sync(path: string): Promise<void> {
  const file = await open(path, "r");
  await file.sync().finally(() => file.close());
}
