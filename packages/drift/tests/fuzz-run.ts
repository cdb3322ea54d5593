/** `bun run fuzz:drift [--seconds 3600] [--seed N] [--rounds N]`: until something goes wrong, or the time is over. */
import { parseArgs } from "node:util";
import pg from "pg";
import { createDatabase } from "../../../tests/support/postgres.ts";
import { startTestServer } from "../../../tests/support/server.ts";
import { fuzzOnce } from "./fuzz.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string", default: String(Date.now() % 1_000_000_000) },
    rounds: { type: "string", default: "Infinity" },
  },
});

const server = await startTestServer();
process.env.DATABASE_URL_TEST = server.url;
const [live, scratch] = [await open(), await open()];
const end = performance.now() + Number(values.seconds) * 1000;
const first = Number(values.seed);
let seed = first;
let failure: string | null = null;
console.log(`seed ${first}, for ${values.seconds} seconds`);
for (; seed < first + Number(values.rounds) && performance.now() < end; seed++) {
  failure = await fuzzOnce({ live: live.client, scratch: scratch.client }, seed).catch((error) =>
    error instanceof Error ? (error.stack ?? error.message) : String(error),
  );
  if (failure !== null) break;
}
for (const { client, database } of [live, scratch]) {
  await client.end();
  await database.drop();
}
await server.stop();
if (failure !== null)
  console.log(`${failure}\n\nTo see it again: bun run fuzz:drift --seed ${seed} --rounds 1`);
console.log(failure === null ? `${seed - first} rounds, and nothing was harmed` : "failed");
process.exit(failure === null ? 0 : 1);

async function open() {
  const database = await createDatabase({ template: false });
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  return { client, database };
}
