/** The one table that no policy holds: the text that searches look through, whatever SQL the server's login sends. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import pg from "pg";
import { createTestApp, registerOwner, type TestApp } from "../support/app.ts";

let app: TestApp;
let client: pg.Client;
let ours: Awaited<ReturnType<typeof registerOwner>>;
let theirs: typeof ours;

beforeAll(async () => {
  app = await createTestApp();
  [ours, theirs] = [await registerOwner(app), await registerOwner(app)];
  client = new pg.Client({ connectionString: app.database.appUrl });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await app.close();
});

async function within<T>(scope: string | null, work: () => Promise<T>): Promise<T> {
  await client.query("BEGIN");
  if (scope !== null) await client.query("SELECT set_config('tenantry.scope', $1, true)", [scope]);
  try {
    return await work();
  } finally {
    await client.query("ROLLBACK");
  }
}

async function idsOf(sql: string, values: unknown[] = []): Promise<string[]> {
  const { rows } = await client.query<{ id: string }>(sql, values);
  return rows.map(({ id }) => id);
}

const found = (patterns = ["%"]) => idsOf("SELECT find_users($1, 1000) AS id", [patterns]);
const searched = (tenant: string | null) =>
  idsOf("SELECT search_users('{%}', $1, 'email', false, NULL, NULL, NULL, 1000) AS id", [tenant]);

test("R60: the login reads and writes no row of the search text, in no scope", async () => {
  for (const scope of [null, ours.tenantId, "platform"])
    for (const sql of [
      "SELECT FROM user_search",
      "SELECT text FROM user_search WHERE false",
      "INSERT INTO user_search VALUES (gen_random_uuid(), NULL, ' x')",
      "UPDATE user_search SET text = ' x'",
      "DELETE FROM user_search",
      "TRUNCATE user_search",
      "COPY user_search TO STDOUT",
    ])
      await expect(within(scope, () => client.query(sql))).rejects.toMatchObject({ code: "42501" });
  const known = "SELECT FROM pg_stats WHERE tablename = 'user_search'";
  expect((await client.query(known)).rowCount).toBe(0);
});

test("R60: nobody has a right to it, and who is given one sees no row", async () => {
  const { rows } = await app.deps.pool.query(
    `SELECT coalesce(bool_or(grantee <> relowner), false) AS granted, relrowsecurity AS fenced,
       (SELECT count(*)::int FROM pg_policy WHERE polrelid = pg_class.oid) AS policies
     FROM pg_class LEFT JOIN aclexplode(relacl) ON true WHERE pg_class.oid = 'user_search'::regclass GROUP BY pg_class.oid`,
  );
  expect(rows).toEqual([{ granted: false, fenced: true, policies: 0 }]);
  await app.database.query("GRANT SELECT ON user_search TO tenantry_app");
  try {
    for (const scope of [null, ours.tenantId, "platform"])
      expect(await within(scope, () => idsOf("SELECT user_id AS id FROM user_search"))).toEqual([]);
  } finally {
    await app.database.query("REVOKE SELECT ON user_search FROM tenantry_app");
  }
});

test("R60: the function that reads it finds the scope's people and nobody else's", async () => {
  expect(await within(ours.tenantId, () => found())).toEqual([ours.id]);
  expect(await within(theirs.tenantId, () => found())).toEqual([theirs.id]);
  const pattern = `%${theirs.email}%`;
  expect(await within(ours.tenantId, () => found([pattern]))).toEqual([]);
  expect(await within(theirs.tenantId, () => found([pattern]))).toEqual([theirs.id]);
  expect(await within("platform", () => found())).toEqual(
    expect.arrayContaining([ours.id, theirs.id]),
  );
});

test("R60: without a scope, and in one that is no tenant's id, it finds nobody", async () => {
  const { tenantId } = ours;
  const forged = [
    null,
    "",
    "x",
    "null",
    "PLATFORM",
    "platform ",
    "%",
    ours.id,
    tenantId.toUpperCase().replace(/^\d/, "A"),
    `{${tenantId}}`,
    `${tenantId} `,
    ` ${tenantId}`,
    `${tenantId}\n`,
    `x\n${tenantId}`,
    tenantId.replaceAll("-", ""),
    `${tenantId}' OR 'a' = 'a`,
    "00000000-0000-0000-0000-000000000000",
  ];
  for (const scope of forged) {
    expect([scope, await within(scope, () => found())]).toEqual([scope, []]);
    expect([scope, await within(scope, () => searched(null))]).toEqual([scope, []]);
  }
});

test("R60: patterns are compared, never run, and name no other tenant", async () => {
  const hostile = [
    "x' OR true --",
    "%' OR tenant_id IS NOT NULL --",
    "$1",
    "%s",
    "%I",
    "x\\\\",
    `{"%"}`,
    `%' UNION SELECT user_id FROM public.user_search --`,
  ];
  for (const pattern of hostile)
    expect([pattern, await within(ours.tenantId, () => found([pattern]))]).toEqual([pattern, []]);
  expect(await within(ours.tenantId, () => found(["%", "%' --"]))).toEqual([]);
  expect(await within(ours.tenantId, () => found([]))).toEqual([ours.id]);
});

test("R60: a page of a search in another tenant's name, or sorted by what is no column, shows nothing", async () => {
  expect(await within(ours.tenantId, () => searched(theirs.tenantId))).toEqual([]);
  expect(await within(ours.tenantId, () => searched(null))).toEqual([ours.id]);
  for (const sort of ["id; DROP TABLE users", "password_hash", "(SELECT 1)", null]) {
    const sql = "SELECT search_users('{%}', NULL, $1, false, NULL, NULL, NULL, 9)";
    await expect(within(ours.tenantId, () => client.query(sql, [sort]))).rejects.toMatchObject({
      code: "42601",
    });
  }
});

test("R60: what the login puts before the functions' own names is not taken for them", async () => {
  const shadows = `
    CREATE TEMP TABLE user_search (user_id uuid, tenant_id uuid, text text);
    CREATE FUNCTION pg_temp.everybody(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
    CREATE OPERATOR pg_temp.~~ (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_temp.everybody);
    CREATE FUNCTION pg_temp.current_setting(text, boolean) RETURNS text LANGUAGE sql AS $$SELECT 'platform'$$;
    SET LOCAL search_path = pg_temp, public, pg_catalog`;
  await within(ours.tenantId, async () => {
    await client.query(shadows);
    expect(await idsOf("SELECT public.find_users('{%}', 9) AS id")).toEqual([ours.id]);
    expect(await idsOf("SELECT public.find_users('{nobody}', 9) AS id")).toEqual([]);
  });
});
