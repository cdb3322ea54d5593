/** `bun run db:performance` as an operator runs it. Times are those of a busy machine: plans are what is held here. */
import { beforeAll, expect, test } from "bun:test";
import pg from "pg";
import { countRows } from "../../src/operations/backup/contents.ts";
import type { Performance } from "../../src/operations/performance/performance.ts";
import { type Account, registerOwner, testApp } from "../support/app.ts";
import { runCommand } from "./command.ts";

const app = testApp();
let owner: Account & { tenantId: string; slug: string };
let env: Record<string, string>;
beforeAll(async () => {
  owner = await registerOwner(app);
  env = {
    DATABASE_URL: app.database.appUrl,
    SECRET_KEY: app.deps.config.secretKey.toString("base64"),
  };
  await app.database.query(`
    SET session_replication_role = replica;
    WITH made AS (
      INSERT INTO accounts (id, email) SELECT gen_random_uuid(), 'user' || n || '@x.example' FROM generate_series(1, 12000) AS n
      RETURNING id, email)
    INSERT INTO users (id, tenant_id, account_id, email, search_text, created_at)
    SELECT id, '${owner.tenantId}', id, email, email, now() - random() * interval '1 year' FROM made;
    INSERT INTO user_search (user_id, tenant_id, text) SELECT id, tenant_id, ' ' || search_text FROM users ON CONFLICT DO NOTHING;
    ANALYZE users, accounts, user_search`);
});

async function measure(args: string[] = []) {
  const { out, code, err } = await runCommand(
    "db-performance",
    ["--json", "--runs", "3", ...args],
    env,
  );
  if (code === 2) throw new Error(err);
  const { sample, measured, atOnce }: Performance = JSON.parse(out);
  return { code, sample, atOnce, measured: new Map(measured.map((each) => [each.what, each])) };
}

test("every plan has its index, fifty connections are answered, and nothing is left", async () => {
  const client = new pg.Client({ connectionString: app.database.url });
  await client.connect();
  const before = await countRows(client, () => {});
  const { sample, measured, atOnce } = await measure();
  expect(await countRows(client, () => {})).toEqual(before);
  await client.end();
  expect(sample).toMatchObject({ slug: owner.slug, users: 12_001, allUsers: 12_001 });
  expect([...measured].filter(([, { readWhole }]) => readWhole.length > 0)).toEqual([]);
  expect(atOnce).toMatchObject({ connections: 50, answers: 50, failed: 0 });
  expect([...measured.keys()]).toHaveLength(9);
  const scans = (what: string) => measured.get(what)?.scans.join("\n");
  expect(scans("an account by its address")).toContain("accounts_live_email on accounts");
  expect(scans("the first page of users")).toContain("users_live_created on users");
  expect(scans("what one person did")).toContain("on audit_log_…");
  // The policies of the server's login are part of it.
  expect(measured.get("the first page of users")?.plans.join()).toContain("tenantry.scope");
  expect(measured.get("a user made (and taken back)")?.plans.join()).toContain("Insert on users");
});

test("a plan that has lost its index is named, with its table, and the command ends with 1", async () => {
  // It would count them in between.
  const vacuum = (setting: string) =>
    app.database.query(`ALTER TABLE users ${setting}; ALTER TABLE accounts ${setting}`);
  await vacuum("SET (autovacuum_enabled = off)");
  await app.database.query(
    "UPDATE pg_class SET reltuples = 100000 WHERE oid IN ('users'::regclass, 'accounts'::regclass); ALTER INDEX accounts_live_email RENAME TO kept; UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'kept'::regclass",
  );
  const { code, measured } = await measure();
  const text = await runCommand("db-performance", ["--runs", "1"], env);
  await app.database.query(
    "UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'kept'::regclass; ALTER INDEX kept RENAME TO accounts_live_email; ANALYZE users, accounts",
  );
  await vacuum("RESET (autovacuum_enabled)");
  expect([code, measured.get("an account by its address")]).toMatchObject([
    1,
    { readWhole: [expect.stringMatching(/^(accounts|users)$/)], right: false },
  ]);
  expect([text.code, text.out]).toEqual([
    1,
    expect.stringMatching(/^ {4}READS ALL OF (accounts|users)$/m),
  ]);
});

test("a time that is missed is named, and the command ends with 1", async () => {
  await app.database.query(`
    CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.15); RETURN NEW; END $$;
    CREATE TRIGGER dawdle BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION dawdle()`);
  const { code, out } = await runCommand("db-performance", ["--runs", "3"], env);
  await app.database.query("DROP TRIGGER dawdle ON users; DROP FUNCTION dawdle");
  expect([code, out]).toEqual([
    1,
    expect.stringContaining("  MISSED  a user made (and taken back)"),
  ]);
  expect(out).toContain("The times are promised for 100,000 users: here are fewer.");
});

test("what cannot be measured is said in a line, and ends with 2", async () => {
  const cases: [string[], Record<string, string>, string][] = [
    [
      [],
      { ...env, DATABASE_URL: app.database.url },
      "is a superuser, whom row-level security does not hold. Name the server's own",
    ],
    [["--tenant", "nobody"], env, "there is no live tenant nobody with an owner"],
    [["--runs", "0"], env, "--runs is a number from 1 to 9999"],
    [[], { DATABASE_URL: env.DATABASE_URL ?? "" }, "SECRET_KEY: is required"],
  ];
  for (const [args, given, message] of cases) {
    const { code, out, err } = await runCommand("db-performance", args, given);
    expect([code, out, err]).toEqual([2, "", expect.stringContaining(message)]);
  }
  const help = await runCommand("db-performance", ["--help"], {});
  expect([help.code, help.out]).toEqual([0, expect.stringContaining("--plans")]);
});
