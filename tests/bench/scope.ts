/**
 * `bun run bench:scope`: what the scope of row-level security costs a statement. It prints medians of one run; only the
 * ratios carry over to another machine.
 */
import { createPool } from "../../src/db/client.ts";
import { acrossTenants } from "../../src/db/scope.ts";
import { createDatabase } from "../support/postgres.ts";
import { startTestServer } from "../support/server.ts";

const ROUNDS = 7;
const CALLS = 2000;

const server = await startTestServer();
process.env.DATABASE_URL_TEST = server.url;
const database = await createDatabase();
const options = { databasePoolSize: 10, databaseTimeoutSeconds: 30 };
const pool = createPool({ ...options, databaseUrl: database.appUrl });
const owner = createPool({ ...options, databaseUrl: database.url });
const query = { name: "q", text: "SELECT id FROM users WHERE email = $1", values: ["x@x.example"] };

const ways = {
  "no policy, no scope (superuser)": () => owner.plain(query),
  "policy, without a scope": () => pool.plain(query),
  "policy and scope, one round trip": () => acrossTenants(() => pool.query(query)),
};
for (const callers of [1, 10]) {
  const rates = new Map(Object.keys(ways).map((name) => [name, [] as number[]]));
  for (let round = 0; round < ROUNDS; round++)
    for (const [name, ask] of Object.entries(ways)) rates.get(name)?.push(await rate(ask, callers));
  console.log(`${callers} at a time`);
  const [[, first] = ["", [0]]] = rates;
  for (const [name, all] of rates)
    console.log(
      `  ${name.padEnd(36)}${Math.round(median(all))}/s  ${(median(all) / median(first)).toFixed(2)}`,
    );
}
await Promise.all([pool.end(), owner.end()]);
await database.drop();
await server.stop();

/** Statements a second. */
async function rate(ask: () => Promise<unknown>, callers: number): Promise<number> {
  let left = CALLS;
  const start = performance.now();
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (left-- > 0) await ask();
    }),
  );
  return CALLS / ((performance.now() - start) / 1000);
}

function median(values: number[]): number {
  return values.toSorted((x, y) => x - y)[Math.floor(values.length / 2)] ?? Number.NaN;
}
