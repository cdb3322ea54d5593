/** The end of workers, and of jobs that do not end: nothing is lost, and nothing done twice that can be done once. */
import { expect, setDefaultTimeout, test } from "bun:test";
import type { Jobs } from "../../src/jobs/jobs.ts";
import { testApp } from "../support/app.ts";
import { onMail } from "./handlers.ts";
import { instancesOf } from "./instances.ts";

setDefaultTimeout(60_000);

const app = testApp();
const { otherInstance, until, states } = instancesOf(app);

test("stopping waits for what is under way, and begins nothing new", async () => {
  const jobs = await otherInstance();
  let begun = 0;
  let ended = 0;
  await jobs.start(
    onMail(async () => {
      begun += 1;
      await Bun.sleep(400);
      ended += 1;
    }),
  );
  await jobs.send("mail", 1);
  jobs.wake("mail");
  await until(() => begun === 1);
  const stopped = jobs.stop();
  await jobs.send("mail", 2);
  await stopped;
  expect([begun, ended]).toEqual([1, 1]);
  expect(await states()).toEqual(["completed", "created"]);
});

test("what was taken while the end was asked for is given back untried", async () => {
  const seen: unknown[] = [];
  let taking = false;
  const jobs = await otherInstance({
    // A database so slow that its answer comes after the end was asked for.
    async query(...args: [string, unknown[]]) {
      const answer = await app.deps.pool.query(...args);
      if (taking && answer?.rows?.some((row: { data?: unknown }) => row.data)) await Bun.sleep(500);
      return answer;
    },
  });
  await jobs.send("mail", 1);
  taking = true;
  await jobs.start(onMail(async (data) => void seen.push(data)));
  await until(async () => (await states())[0] === "active");
  await jobs.stop();
  expect([seen, await states()]).toEqual([[], ["created"]]);
  await app.deps.jobs.drain(onMail(async (data) => void seen.push(data)));
  expect(seen).toEqual([1]);
});

test("what an instance was giving back when it was killed, the next one to start gives back", async () => {
  await (await otherInstance()).send("mail", 1);
  await app.deps.pool.query("UPDATE pgboss.job SET state = 'cancelled', started_on = now()");
  await otherInstance();
  expect(await states()).toEqual(["created"]);
});

test("what was left cancelled of a schedule makes way for what came due since, and keeps no instance from starting", async () => {
  const jobs = await otherInstance();
  for (const _ of ["killed", "killed again", "due since"]) {
    await app.deps.pool.query("UPDATE pgboss.job SET state = 'cancelled', completed_on = now()");
    await jobs.send("clean_up", null);
  }
  await otherInstance();
  const { rows } = await app.deps.pool.query("SELECT name, state FROM pgboss.job");
  expect(rows).toEqual([{ name: "clean_up", state: "created" }]);
});

/** A mail whose handler has begun, and ends when it is released. */
async function beginHanging(jobs: Jobs): Promise<() => void> {
  let begun = false;
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  await jobs.start(
    onMail(() => {
      begun = true;
      return released;
    }),
  );
  await jobs.send("mail", 1);
  jobs.wake("mail");
  await until(() => begun);
  return release;
}

test("a handler that hangs does not hold up the end for more than seconds", async () => {
  const jobs = await otherInstance();
  const release = await beginHanging(jobs);
  const start = performance.now();
  await jobs.stop();
  expect(performance.now() - start).toBeWithin(4000, 9000);
  release();
  await until(async () => (await states())[0] === "completed");
});

test("what ends late is recorded as done, also while its giving up is being written down", async () => {
  let givingUp = 0;
  const jobs = await otherInstance({
    async query(...[text, values]: [string, unknown[]]) {
      if (!text.includes("deleted_jobs")) return app.deps.pool.query(text, values);
      const client = await app.deps.pool.connect();
      try {
        await client.query("BEGIN");
        const answer = await client.query(text, values);
        givingUp += 1;
        await client.query("SELECT pg_sleep(0.5)");
        await client.query("COMMIT");
        return answer;
      } finally {
        client.release();
      }
    },
  });
  const release = await beginHanging(jobs);
  await jobs.stop();
  await until(() => givingUp === 2);
  release();
  await until(async () => (await states())[0] === "completed");
});

test("a handler that never ends holds up neither the others nor its own next try", async () => {
  const jobs = await otherInstance();
  const seen: unknown[] = [];
  await jobs.send("mail", "hangs");
  await app.deps.pool.query("UPDATE pgboss.job SET expire_seconds = 1 WHERE name = 'mail'");
  await jobs.drain(
    onMail(async (data) => {
      seen.push(data);
      if (data === "hangs") await new Promise(() => {});
    }),
  );
  expect(await states()).toEqual(["retry"]);
  await jobs.send("mail", "next");
  await jobs.drain(onMail(async (data) => void seen.push(data)));
  expect(seen).toEqual(["hangs", "next"]);
});
