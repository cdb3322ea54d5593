/** Better Auth with a database of its own, as full as ours. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../../scripts/prepare.ts";
import { type BenchDatabase, withClient } from "../database.ts";
import type { Layout } from "../layout.ts";
import type { Server } from "../servers.ts";

const HOME = join(import.meta.dir, "..");

/** Installs it as its lock file says. @throws Error with what the registry said. */
async function installPeers(): Promise<void> {
  if (existsSync(join(HOME, "node_modules", "better-auth"))) return;
  console.error("Installing what Tenantry is measured beside …");
  await run([process.execPath, "install", "--frozen-lockfile", "--cwd", HOME]);
}

/**
 * Its own migrations, then one person who signs up, then as many copies of that person as we have users.
 * @param start a server of it on a database. @returns the URL of the database.
 */
export async function prepareBetterAuth(
  database: BenchDatabase,
  { users }: Layout,
  password: string,
  start: (databaseUrl: string, env: Record<string, string>) => Promise<Server>,
): Promise<string> {
  await installPeers();
  const url = await database.create("better_auth");
  const server = await start(url, { MIGRATE: "on" });
  const origin = `http://127.0.0.1:${server.port}`;
  const answer = await fetch(`${origin}/api/auth/sign-up/email`, {
    method: "POST",
    headers: { "content-type": "application/json", origin },
    body: JSON.stringify({ email: "first@bench.example", password, name: "First" }),
  });
  if (!answer.ok) throw new Error(`Better Auth lets nobody sign up: ${await answer.text()}`);
  await server.stop();
  await withClient(url, async (client) => {
    await client.query(`
      INSERT INTO "user" (id, name, email, "emailVerified", "createdAt", "updatedAt")
      SELECT 'user-' || n, 'Last' || n, 'user' || n || '@bench.example', true, now(), now()
      FROM generate_series(1, ${users}) AS n`);
    await client.query(`
      INSERT INTO account (id, "accountId", "providerId", "userId", password, "createdAt", "updatedAt")
      SELECT 'account-' || n, 'user-' || n, 'credential', 'user-' || n, made.password, now(), now()
      FROM account AS made, generate_series(1, ${users}) AS n WHERE made."providerId" = 'credential'`);
    await client.query("VACUUM (ANALYZE)");
  });
  return url;
}
