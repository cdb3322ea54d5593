/** What a start waits for before the first answer. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { ROOT } from "../../scripts/prepare.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { serverEnv } from "./start.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

/** In a process of its own: in this one other tests have had Prisma read it. */
const PROGRAM = `
  import { parseConfig } from "./src/config.ts";
  import { createDeps } from "./src/deps.ts";
  const read = () => Object.keys(require.cache).filter((file) => file.includes("query_compiler"));
  async function start() {
    const { deps, warm, close } = await createDeps(parseConfig(process.env));
    const before = read();
    await warm();
    console.log(JSON.stringify([before.length, read().length > 0, deps.signingKeys.jwks().keys.length]));
    await close();
  }
  await start();
  process.exit(0);`;

function start(env: Record<string, string>): unknown {
  const { stdout, stderr } = Bun.spawnSync([process.execPath, "--no-env-file", "-e", PROGRAM], {
    ...{ cwd: ROOT, env, stdin: "ignore" },
  });
  try {
    return JSON.parse(stdout.toString());
  } catch {
    throw new Error(`${stdout}${stderr}`);
  }
}

test("every start but the first one, which makes the key, is done without Prisma's query compiler", () => {
  const env = serverEnv({ DATABASE_URL: database.appUrl, LOG_LEVEL: "silent" });
  expect(start(env)).toEqual([2, true, 1]);
  expect(start(env)).toEqual([0, true, 1]);
});
