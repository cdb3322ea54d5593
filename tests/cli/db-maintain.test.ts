/** `bun run db:maintain` as an operator runs it, beside an instance. */
import { beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { TASKS } from "../../src/operations/maintain/tasks.ts";
import { createSuperAdmin, registerOwner, testApp } from "../support/app.ts";
import { runCommand } from "./command.ts";

const app = testApp();
let env: Record<string, string>;
beforeAll(async () => {
  env = {
    DATABASE_URL: app.database.appUrl,
    SECRET_KEY: app.deps.config.secretKey.toString("base64"),
  };
});

const maintain = (args: string[], given = env) => runCommand("db-maintain", args, given);

type Printed = {
  dryRun: boolean;
  tasks: { task: string; count: number; failed: string | null }[];
  due: { months: string[]; command: string } | null;
};
async function counts(args: string[]): Promise<Map<string, number>> {
  const { out, code } = await maintain(["--json", ...args]);
  expect(code).toBe(0);
  const { tasks }: Printed = JSON.parse(out);
  expect(tasks.filter(({ failed }) => failed !== null)).toEqual([]);
  return new Map(tasks.map(({ task, count }) => [task, count]));
}

test("what a dry run counts is done by the next one, and then there is nothing left", async () => {
  await registerOwner(app);
  const gone = await registerOwner(app);
  const admin = await createSuperAdmin(app);
  await app.call(`DELETE /v1/tenants/${gone.tenantId}`, { token: admin.accessToken });
  await app.database.query(`
    UPDATE tenants SET deleted_at = now() - interval '31 days' WHERE id = '${gone.tenantId}';
    UPDATE tenants SET name_skeleton = NULL, name_folded = NULL WHERE id <> '${gone.tenantId}';
    INSERT INTO rate_limits (key, points, expire) SELECT 'old' || n, 1, 1 FROM generate_series(1, 2500) AS n;
    UPDATE signing_keys SET created_at = now() - interval '31 days'`);
  const expected = new Map([...TASKS.keys()].map((task) => [task, 0]));
  for (const [task, count] of [
    ...[["rate_limits", 2500] as const, ["tenants", 1] as const],
    ...[["names", 1] as const, ["signing_keys", 1] as const],
  ])
    expected.set(task, count);

  const counted = await counts(["--dry-run"]);
  const { rows } = await app.deps.pool.query("SELECT count(*)::int AS count FROM audit_log");
  expect(counted).toEqual(expected.set("audit", rows[0].count));
  expect(await counts(["--dry-run"])).toEqual(expected);
  // The rows of the purge and of the rotation are sealed with the others.
  const done = await counts([]);
  expect(done).toEqual(expected.set("audit", rows[0].count + 1));
  const left = await counts(["--dry-run"]);
  // That of the rotation, which came last.
  expect(left).toEqual(new Map([...TASKS.keys()].map((task) => [task, task === "audit" ? 1 : 0])));
  expect(await app.deps.db.tenant.count({ where: { id: gone.tenantId } })).toBe(0);
});

test("a task that is named is done alone", async () => {
  await app.database.query("INSERT INTO rate_limits (key, points, expire) VALUES ('old', 1, 1)");
  expect(await counts(["rate_limits", "audit"])).toEqual(
    new Map([
      ["rate_limits", 1],
      ["audit", expect.any(Number)],
    ]),
  );
  const { out } = await maintain(["--dry-run", "rate_limits"]);
  expect(out).toMatch(/^ {2}task +to do +took {2}what would be done\n {2}rate_limits +0 /);
});

test("months that are due for the archive are named, and the command ends with 1", async () => {
  await app.database.query(`
    INSERT INTO audit_log (id, action, resource_type, created_at)
      VALUES (gen_random_uuid(), 'x.y', 'x', '2020-05-05'), (gen_random_uuid(), 'x.y', 'x', '2020-06-05');
    SELECT prepare_audit_partitions()`);
  const { code, out } = await maintain(["rate_limits"]);
  expect([code, out]).toEqual([
    1,
    expect.stringContaining("Due for the archive: 2020-05, 2020-06"),
  ]);
  expect(out).toContain("→ bun run audit archive --before ");
});

test("what fails is named, the others are done, and the command ends with 1", async () => {
  await app.database.query("ALTER TABLE invitations RENAME TO invitations_away");
  const { code, out } = await maintain(["--json"]);
  await app.database.query("ALTER TABLE invitations_away RENAME TO invitations");
  const { tasks }: Printed = JSON.parse(out);
  const failed = tasks.filter((task) => task.failed !== null).map(({ task }) => task);
  expect([code, failed, tasks.length]).toEqual([1, ["invitations"], TASKS.size]);
});

test("what cannot be done is said in a line, and ends with 2", async () => {
  const cases: [string[], Record<string, string>, string][] = [
    [[], { DATABASE_URL: env.DATABASE_URL ?? "" }, "SECRET_KEY: is required"],
    [["everything"], env, "there is no task everything. There are: one_time_tokens,"],
    [["--dry"], env, "--dry"],
    [
      [],
      { ...env, DATABASE_URL: "postgresql://127.0.0.1:1/x" },
      "127.0.0.1:1 does not answer: nothing listens there",
    ],
    [["audit"], { ...env, SECRET_KEY: randomBytes(32).toString("base64") }, "SECRET_KEY"],
  ];
  for (const [args, given, message] of cases) {
    const { code, out, err } = await maintain(args, given);
    expect([code, out, err]).toEqual([2, "", expect.stringContaining(message)]);
    expect(err).not.toContain("    at ");
  }
  const help = await maintain(["--help"], {});
  expect([help.code, help.out]).toEqual([0, expect.stringContaining("--dry-run")]);
});
