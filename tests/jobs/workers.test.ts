/** Workers that go by themselves: at once, on a schedule, and over an outage. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { commit } from "../../src/db/commit.ts";
import { testApp } from "../support/app.ts";
import { onMail } from "./handlers.ts";
import { instancesOf } from "./instances.ts";

setDefaultTimeout(60_000);

const app = testApp();
const { made, otherInstance, until, states } = instancesOf(app);

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

test("who puts a job in while the database is away hears of it at once: workers alone are patient", async () => {
  let isAway = false;
  let asked = 0;
  const jobs = await otherInstance({
    async query(...args: [string, unknown[]]) {
      asked += 1;
      if (isAway) throw Object.assign(new Error("connect"), { code: "ECONNREFUSED" });
      return app.deps.pool.query(...args);
    },
  });
  isAway = true;
  asked = 0;
  const sent = jobs.send("mail", 1);
  await expect(sent).rejects.toThrow("connect");
  expect(asked).toBe(1);
});

test("of one group no more are under way than may be, though all places look for work at once", async () => {
  const { pool } = app.deps;
  const jobs = await otherInstance({
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
  });
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
