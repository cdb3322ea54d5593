/** The real server as a worker: JOBS says whether it is one. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { QUEUES } from "../../src/jobs/jobs.ts";
import { EXAMPLES } from "../../src/mail/content.ts";
import { startProxy } from "../server/proxy.ts";
import { type Server, startServer } from "../server/start.ts";
import { createTestApp, type TestApp } from "../support/app.ts";

const SECRET_KEY = randomBytes(32).toString("base64");

let app: TestApp;
let worker: Server;
beforeAll(async () => {
  app = await createTestApp({ SECRET_KEY });
});
afterAll(async () => {
  await worker?.stop();
  await app.close();
});

function start(env: Record<string, string>): Promise<Server> {
  return startServer({
    NODE_ENV: "development",
    DATABASE_URL: app.database.appUrl,
    SECRET_KEY,
    SCHEMA_CHECK: "off",
    ...env,
  });
}

async function inbox(server: Server): Promise<{ to: string }[]> {
  return (await (await fetch(`${server.url}/dev/mail.json`)).json()) as { to: string }[];
}

test("with JOBS=off a server leaves jobs to others; with JOBS=on it sends what is there and what comes", async () => {
  const send = (to: string) =>
    app.deps.jobs.send("mail", { ...EXAMPLES.password_changed, to, language: null });
  await send("ada@example.com");
  const idle = await start({ JOBS: "off" });
  await Bun.sleep(1500);
  expect(await inbox(idle)).toEqual([]);
  await idle.stop();

  worker = await start({});
  await send("grace@example.com");
  for (let n = 0; n < 100 && (await inbox(worker)).length < 2; n++) await Bun.sleep(50);
  expect((await inbox(worker)).map(({ to }) => to).sort()).toEqual([
    "ada@example.com",
    "grace@example.com",
  ]);
});

test("a worker with nothing to do ends within two seconds of being asked to", async () => {
  const asked = performance.now();
  worker.process.kill("SIGTERM");
  expect(await worker.process.exited).toBe(0);
  expect(performance.now() - asked).toBeLessThan(2000);
  expect(worker.output()).not.toMatch(/"level":"(warn|error)"/);
});

test("a database that is away for seconds ends nothing, and mails go out when it is back", async () => {
  const proxy = await startProxy(app.database.appUrl);
  const server = await start({
    DATABASE_URL: proxy.url,
    DATABASE_TIMEOUT_SECONDS: "1",
    // A second is short for a machine that has much to do: a start tries again then.
    DATABASE_WAIT_SECONDS: "60",
  });
  try {
    proxy.cut();
    await app.deps.jobs.send("mail", { ...EXAMPLES.password_changed, to: "mary@example.com" });
    await Bun.sleep(3000);
    expect(server.process.exitCode).toBeNull();
    expect(await inbox(server)).toEqual([]);
    const complaints = server.output().match(/jobs cannot be worked off/g) ?? [];
    expect(complaints.length).toBeWithin(1, QUEUES.length + 1);
    proxy.restore();
    for (let n = 0; n < 200 && (await inbox(server)).length < 1; n++) await Bun.sleep(50);
    expect((await inbox(server)).map(({ to }) => to)).toEqual(["mary@example.com"]);
  } finally {
    await server.stop();
    await proxy.close();
  }
});
