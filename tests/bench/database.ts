/** The PostgreSQL of a run: one that is thrown away, migrated as a deployment is, with the server's own login. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { startEmbedded } from "../../scripts/embedded-postgres.ts";
import { run } from "../../scripts/prepare.ts";
import { prepareRuntimeRole } from "../../src/db/runtime-role.ts";

const LOGIN = { user: "tenantry_bench", password: "of-a-server-that-is-thrown-away" };

export type BenchDatabase = {
  /** As a superuser, whom no policy holds. */
  ownerUrl: string;
  /** As the login that the server has in production. */
  appUrl: string;
  /** An empty database beside it. */
  create(name: string): Promise<string>;
  pid: number;
  stop(): void;
};

/** @param durable writes as a server that must not lose them; else what is measured is the work and not the disk. */
export async function startDatabase(
  folder: string,
  { durable }: { durable: boolean },
): Promise<BenchDatabase> {
  const dataDir = join(folder, "postgres");
  const server = await startEmbedded({ dataDir, disposable: !durable });
  try {
    const create = async (name: string) => {
      await withClient(server.url, (client) => client.query(`CREATE DATABASE ${name}`));
      return server.url.replace(/\/postgres$/, `/${name}`);
    };
    const ownerUrl = await create("tenantry");
    await run([process.execPath, "x", "prisma", "migrate", "deploy"], { DATABASE_URL: ownerUrl });
    await prepareRuntimeRole(ownerUrl, LOGIN);
    const appUrl = ownerUrl.replace(/\/\/[^@]*@/, `//${LOGIN.user}:${LOGIN.password}@`);
    const pid = Number(readFileSync(join(dataDir, "postmaster.pid"), "utf8").split("\n")[0]);
    return { ownerUrl, appUrl, create, pid, stop: server.stop };
  } catch (err) {
    server.stop();
    throw err;
  }
}

export async function withClient<T>(
  url: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
