/** What a right password gives back: one statement, which looks into the index whatever size the table had when it was planned. */
import { beforeEach, expect, test } from "bun:test";
import pg from "pg";
import type { Attempt } from "../../src/rate-limits/rate-limits.ts";
import { testApp } from "../support/app.ts";
import { statementsOf } from "../support/statements.ts";

const app = testApp({ RATE_LIMITS: "database" });
let network = "";
let attempts: Attempt[] = [];
let run = 0;

beforeEach(async () => {
  run += 1;
  network = `network ${run}`;
  attempts = [
    { policy: "login", who: network },
    { policy: "guess", who: "somebody" },
    { policy: "account_logins", who: "somebody" },
    { policy: "logins", who: network },
  ];
  await app.deps.pool.query("DELETE FROM rate_limits");
});

async function pointsOf(): Promise<Record<string, number>> {
  const { rows } = await app.deps.pool.query<{ key: string; points: number }>(
    "SELECT key, points FROM rate_limits",
  );
  return Object.fromEntries(rows.map(({ key, points }) => [key.split(":")[0], points]));
}

test("what was right is given back, and guesses with their strikes begin anew, in one statement", async () => {
  const { rateLimits } = app.deps;
  await rateLimits.consumeAll(attempts);
  await rateLimits.consumeAll(attempts);
  await rateLimits.charge("guess", "somebody", 8);
  await expect(rateLimits.consume("guess", "somebody")).rejects.toMatchObject({
    code: "rate_limited",
  });
  expect(await pointsOf()).toEqual({
    login: 2,
    guess: 11,
    "guess-strikes": 1,
    account_logins: 2,
    logins: 2,
  });
  const sent = await statementsOf(() => rateLimits.settle(attempts));
  expect(sent).toHaveLength(1);
  expect(await pointsOf()).toEqual({ login: 1, account_logins: 2, logins: 2 });
});

test("nothing is given back to a window that is over", async () => {
  const { rateLimits, pool } = app.deps;
  await rateLimits.consumeAll(attempts);
  await pool.query("UPDATE rate_limits SET expire = 1");
  await rateLimits.settle(attempts);
  expect(await pointsOf()).toMatchObject({ login: 1 });
});

test("several attempts are counted, or none where the first is refused from memory", async () => {
  const { rateLimits } = app.deps;
  await rateLimits.charge("login", network, 99);
  for (const counted of [1, 1]) {
    await expect(rateLimits.consumeAll(attempts)).rejects.toMatchObject({
      details: { rateLimit: { policy: "login" } },
    });
    expect(await pointsOf()).toMatchObject({ guess: counted, logins: counted });
  }
});

test("planned while the table was empty, it reads no more of a large one than its keys", async () => {
  const { rateLimits } = app.deps;
  const [statement] = await statementsOf(async () => {
    await rateLimits.consumeAll(attempts);
    await rateLimits.settle(attempts);
  }).then((sent) => sent.filter(({ text }) => text.includes("DELETE FROM rate_limits")));
  if (!statement) throw new Error("nothing was settled");
  const client = new pg.Client({ connectionString: app.database.url });
  await client.connect();
  try {
    await client.query("TRUNCATE rate_limits");
    const values = (statement.values ?? []).map((value) => client.escapeLiteral(String(value)));
    const execute = `EXECUTE settling (${values.join(", ")})`;
    await client.query(`PREPARE settling AS ${statement.text}`);
    for (let n = 0; n < 6; n += 1) await client.query(execute);
    await client.query(
      "INSERT INTO rate_limits SELECT 'other:' || n, 1, 1 FROM generate_series(1, 20000) AS n",
    );
    const { rows } = await client.query(`EXPLAIN (ANALYZE, BUFFERS) ${execute}`);
    const plan = rows.map((row) => row["QUERY PLAN"]).join("\n");
    expect(plan).toContain("rate_limits_pkey");
    expect(plan).not.toContain("Seq Scan");
  } finally {
    await client.end();
  }
});
