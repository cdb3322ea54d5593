/** Workers that go by themselves: at once, on a schedule, over an outage, and to an end. */
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { commit } from "../../src/db/commit.ts";
import type { Jobs } from "../../src/jobs/jobs.ts";
import { createJobs } from "../../src/jobs/queue.ts";
import { testApp } from "../support/app.ts";
import { onMail } from "./handlers.ts";

setDefaultTimeout(60_000);

const app = testApp();
const made: Jobs[] = [];
const messages: string[] = [];
afterEach(async () => {
  for (const jobs of [...made.splice(0)]) await jobs.stop();
  await app.deps.pool.query("DELETE FROM pgboss.job");
  messages.length = 0;
});

async function otherInstance(): Promise<Jobs> {
  const jobs = await createJobs({
    pool: app.deps.pool,
    keyring: app.deps.keyring,
    log: (_, message) => messages.push(message),
    superviseSeconds: 1,
  });
  made.push(jobs);
  return jobs;
}

async function until(holds: () => boolean | Promise<boolean>, seconds = 15): Promise<void> {
  for (const deadline = Date.now() + seconds * 1000; !(await holds()); await Bun.sleep(20))
    if (Date.now() > deadline) throw new Error(`not within ${seconds} s: ${messages.join(", ")}`);
}

async function states(): Promise<unknown[]> {
  const { rows } = await app.deps.pool.query(
    "SELECT state FROM pgboss.job WHERE name = 'mail' ORDER BY created_on",
  );
  return rows.map(({ state }) => state);
}

test("a job of any instance is begun at once, long before the next poll, when its transaction commits", async () => {
  const seen: unknown[] = [];
  await app.deps.jobs.start(onMail(async (data) => void seen.push(data)));
  made.push(app.deps.jobs);
  const sender = await otherInstance();
  const delays: number[] = [];
  for (let n = 0; n < 5; n++) {
    await commit(app.deps, (tx) => sender.send("mail", n, tx));
    const committed = performance.now();
    await until(() => seen.length === n + 1);
    delays.push(performance.now() - committed);
  }
  expect(seen).toEqual([0, 1, 2, 3, 4]);
  expect(delays.toSorted((a, b) => a - b)[2]).toBeLessThan(300);
});

test("a database that cuts every connection in the middle: the job is recorded as done, and work goes on", async () => {
  const jobs = await otherInstance();
  const seen: unknown[] = [];
  const { promise: cut, resolve } = Promise.withResolvers<void>();
  await jobs.send("mail", "during");
  await jobs.start(
    onMail(async (data) => {
      if (data === "during") {
        await app.database.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND pid <> pg_backend_pid()`);
        resolve();
      }
      seen.push(data);
    }),
  );
  await cut;
  await until(async () =>
    jobs.send("mail", "after").then(
      () => true,
      () => false,
    ),
  );
  await until(() => seen.length === 2);
  expect(seen).toEqual(["during", "after"]);
  await until(async () => (await states()).every((state) => state === "completed"));
});

test("a job whose worker was killed is taken up again", async () => {
  const jobs = await otherInstance();
  await jobs.send("mail", "orphan");
  await app.deps.pool.query(
    "UPDATE pgboss.job SET state = 'active', started_on = now() - interval '3 minutes'",
  );
  const seen: unknown[] = [];
  await jobs.start(onMail(async (data) => void seen.push(data)));
  await until(async () => (await states())[0] === "retry");
  await app.deps.pool.query("UPDATE pgboss.job SET start_after = now() WHERE name = 'mail'");
  await until(() => seen.length === 1);
  expect(seen).toEqual(["orphan"]);
});

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
  const jobs = await createJobs({
    pool: {
      // A database so slow that its answer comes after the end was asked for.
      async query(...args: [string, unknown[]]) {
        const answer = await app.deps.pool.query(...args);
        if (taking && answer?.rows?.some((row: { data?: unknown }) => row.data))
          await Bun.sleep(500);
        return answer;
      },
    } as typeof app.deps.pool,
    keyring: app.deps.keyring,
    log: (_, message) => messages.push(message),
  });
  made.push(jobs);
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

test("who puts a job in while the database is away hears of it at once: workers alone are patient", async () => {
  let isAway = false;
  let asked = 0;
  const jobs = await createJobs({
    pool: {
      async query(...args: [string, unknown[]]) {
        asked += 1;
        if (isAway) throw Object.assign(new Error("connect"), { code: "ECONNREFUSED" });
        return app.deps.pool.query(...args);
      },
    } as typeof app.deps.pool,
    keyring: app.deps.keyring,
    log: (_, message) => messages.push(message),
  });
  made.push(jobs);
  isAway = true;
  asked = 0;
  const sent = jobs.send("mail", 1);
  await expect(sent).rejects.toThrow("connect");
  expect(asked).toBe(1);
});

test("a handler that hangs does not hold up the end for more than seconds", async () => {
  const jobs = await otherInstance();
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
  const start = performance.now();
  await jobs.stop();
  expect(performance.now() - start).toBeWithin(4000, 9000);
  release();
  await until(async () => (await states())[0] === "completed");
});

test("what ends late is recorded as done, also while its giving up is being written down", async () => {
  let givingUp = 0;
  const jobs = await createJobs({
    pool: {
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
    } as typeof app.deps.pool,
    keyring: app.deps.keyring,
    log: (_, message) => messages.push(message),
  });
  made.push(jobs);
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

test("of one group no more are under way than may be, though all places look for work at once", async () => {
  const { pool, keyring } = app.deps;
  const jobs = await createJobs({
    pool: {
      // A database so slow that one place has taken a job, and the next one does not see it yet.
      async query(...[text, values]: [string, unknown[]]) {
        if (!text.includes("group_ranking")) return pool.query(text, values);
        const client = await pool.connect();
        try {
          await client.query("BEGIN");
          const answer = await client.query(text, values);
          await client.query("SELECT pg_sleep(0.1)");
          await client.query("COMMIT");
          return answer;
        } finally {
          client.release();
        }
      },
    } as typeof pool,
    keyring,
    log: (_, message) => messages.push(message),
  });
  made.push(jobs);
  for (let n = 0; n < 10; n++)
    await jobs.send("mail", "slow", undefined, { group: "slow.example" });
  await jobs.send("mail", "quick", undefined, { group: "quick.example" });
  const begun: unknown[] = [];
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  await jobs.start(
    onMail(async (data) => {
      begun.push(data);
      if (data === "slow") await released;
    }),
  );
  await until(() => begun.length >= 5);
  await Bun.sleep(1500);
  expect(begun.toSorted()).toEqual(["quick", "slow", "slow", "slow", "slow"]);
  release();
  await until(() => begun.length === 11, 5);
});

test("keys and clean-up are on a schedule, which instances share", async () => {
  const nothing = onMail(async () => {});
  for (let n = 0; n < 2; n++) await (await otherInstance()).start(nothing);
  const { rows } = await app.deps.pool.query(
    "SELECT name, cron, timezone FROM pgboss.schedule ORDER BY name",
  );
  expect(rows).toEqual([
    { name: "audit", cron: "*/5 * * * *", timezone: "UTC" },
    { name: "clean_up", cron: "23 3 * * *", timezone: "UTC" },
    { name: "signing_keys", cron: "7 * * * *", timezone: "UTC" },
  ]);
});

test("what is on a schedule waits or runs once at a time, however often it comes due", async () => {
  const jobs = await otherInstance();
  let runs = 0;
  const count = async () => {
    runs += 1;
  };
  for (let n = 0; n < 3; n++) await jobs.send("clean_up", null);
  await jobs.drain({ ...onMail(async () => {}), clean_up: count });
  expect(runs).toBe(1);
});
