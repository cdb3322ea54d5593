/** R17: what the real server writes when it starts for the first time. */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { serverEnv, spawnServer } from "../server/start.ts";
import { PASSWORD } from "../support/app.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";

type Started = { output(): string; url: string; kill(): Promise<void> };

let database: TestDatabase;
let running: Started[] = [];
const SECRET_KEY = randomBytes(32).toString("base64");
beforeAll(async () => {
  database = await createDatabase();
});
afterEach(async () => {
  await Promise.all(running.map((server) => server.kill()));
  running = [];
});
afterAll(() => database.drop());

async function start(): Promise<Started> {
  const env = serverEnv({ DATABASE_URL: database.appUrl, SECRET_KEY, LOG_LEVEL: "debug" });
  const child = spawnServer(env);
  let output = "";
  void (async () => {
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) output += text;
  })();
  const started = {
    output: () => output,
    url: "",
    async kill() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
  running.push(started);
  await until(() => /super admin yet|has written the bootstrap token/.test(output));
  started.url = /"url":"([^"]+)"/.exec(output)?.[1] ?? "";
  return started;
}

const tokenOf = ({ output }: Started) => /^ {2}(\S{43})$/m.exec(output())?.[1];

async function bootstrap({ url }: Started, token: string | undefined): Promise<number> {
  const response = await fetch(`${url}/v1/platform/bootstrap`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token, email: "ada@platform.example", password: PASSWORD }),
  });
  return response.status;
}

test("R17: two that start at once write one token; killed and started again, a new one, which works", async () => {
  const both = await Promise.all([start(), start()]);
  const first = both.map(tokenOf).filter((token) => token !== undefined);
  expect(first).toHaveLength(1);
  await Promise.all(both.map((server) => server.kill()));

  const again = await start();
  const second = tokenOf(again);
  expect(second).toBeString();
  expect(second).not.toBe(first[0]);
  expect(again.output()).toContain("/v1/platform/bootstrap");
  // R66: it is in no line of the log.
  for (const line of again
    .output()
    .split("\n")
    .filter((line) => line.startsWith("{")))
    expect(line).not.toContain(String(second));
  expect(await bootstrap(again, first[0])).toBe(400);
  expect(await bootstrap(again, second)).toBe(201);
  expect(await bootstrap(again, second)).toBe(400);
});

async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error("the server did not come so far");
    await Bun.sleep(20);
  }
}
