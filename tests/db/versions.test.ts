/** The older servers that are supported: the migrations, the API and the drift check on each. */
import { afterAll, expect, test } from "bun:test";
import { join } from "node:path";
import pg from "pg";
import { createMember, createTestApp, logIn, registerOwner } from "../support/app.ts";
import { prepareLogin } from "../support/postgres.ts";
import { serverOfVersion, stopServers } from "../support/versions.ts";

const ROOT = join(import.meta.dir, "..", "..");

afterAll(() => stopServers());

test.each([15, 16, 17] as const)(
  "on PostgreSQL %i: migrate, serve, and find no drift",
  async (version) => {
    const server = await serverOfVersion(version);
    const url = new URL(server);
    url.pathname = "/versions";
    const onServer = async (sql: string) => {
      const client = new pg.Client({ connectionString: server });
      await client.connect();
      await client.query(sql).finally(() => client.end());
    };
    // `migrate deploy` makes a database that is missing.
    await run(url.href, "bunx", "prisma", "migrate", "deploy");
    const app = await createTestApp(
      {},
      {
        url: url.href,
        appUrl: await prepareLogin(url.href),
        name: "versions",
        query: onServer,
        drop: () => onServer("DROP DATABASE versions WITH (FORCE)"),
      },
    );
    try {
      const owner = await registerOwner(app);
      const member = await createMember(app, owner);
      const { accessToken: token } = await logIn(app, owner.email);
      const users = await app.call("GET /v1/users?search=members&role=member&page=1", { token });
      expect(users.body).toMatchObject({ total: 1, items: [{ id: member.id }] });
      await app.call(`DELETE /v1/users/${member.id}`, { token });
      const { body } = await app.call("GET /v1/audit-logs?action=user.deleted", { token });
      expect(body.items).toMatchObject([{ actorId: owner.id, resourceId: member.id }]);
      const json = { refreshToken: owner.refreshToken };
      expect((await app.call("POST /v1/auth/refresh", { json })).status).toBe(200);
      await run(url.href, "bun", "packages/drift/src/cli/drift.ts", "--strict");
    } finally {
      await app.close();
    }
  },
  60_000,
);

/** @throws Error with what it wrote, when it does not end with 0. */
async function run(DATABASE_URL: string, ...command: string[]): Promise<void> {
  const child = Bun.spawn(command, {
    cwd: ROOT,
    env: { ...process.env, DATABASE_URL },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, status] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  if (status !== 0) throw new Error(`${command.join(" ")} ended with ${status}:\n${out}${err}`);
}
