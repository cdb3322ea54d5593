/** `bun run fuzz:drift`: until something goes wrong, or the time is over. */
import pg from "pg";
import { createDatabase } from "../../../tests/support/postgres.ts";
import { startTestServer } from "../../../tests/support/server.ts";
import { fuzzOnce } from "./fuzz.ts";
import { type FuzzOptions, HELP, readOptions } from "./fuzz-options.ts";

process.exit(
  await main(process.argv.slice(2)).catch((error) => {
    console.error(`error: ${error instanceof Error ? error.message : error} See --help.`);
    return 2;
  }),
);

async function main(args: string[]): Promise<number> {
  const options = readOptions(args);
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const server = await startTestServer();
  process.env.DATABASE_URL_TEST = server.url;
  try {
    return await fuzz(options);
  } finally {
    await server.stop();
  }
}

async function fuzz({ seconds, seed: first, rounds }: FuzzOptions): Promise<number> {
  const [live, scratch] = [await open(), await open()];
  const end = performance.now() + seconds * 1000;
  let seed = first;
  let failure: string | null = null;
  console.log(`seed ${first}, for ${seconds} seconds`);
  for (; seed < first + rounds && performance.now() < end; seed++) {
    failure = await fuzzOnce({ live: live.client, scratch: scratch.client }, seed).catch((error) =>
      error instanceof Error ? (error.stack ?? error.message) : String(error),
    );
    if (failure !== null) break;
  }
  for (const { client, database } of [live, scratch]) {
    await client.end();
    await database.drop();
  }
  if (failure === null) console.log(`${seed - first} rounds, and nothing was harmed`);
  else
    console.log(
      `${failure}\n\nTo see it again: bun run fuzz:drift --seed ${seed} --rounds 1\nfailed`,
    );
  return failure === null ? 0 : 1;
}

async function open() {
  const database = await createDatabase({ template: false });
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  return { client, database };
}
