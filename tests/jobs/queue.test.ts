/** The queue itself, with handlers of the test's own. */
import { afterEach, expect, spyOn, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { deriveKeyring } from "../../src/crypto/secret.ts";
import { commit } from "../../src/db/commit.ts";
import { type Jobs, PermanentFailure } from "../../src/jobs/jobs.ts";
import { createJobs } from "../../src/jobs/queue.ts";
import { testApp } from "../support/app.ts";
import { onMail } from "./handlers.ts";

type LogLine = { level: string; message: string; fields: Record<string, unknown> | undefined };

const SECRET = "https://app.example.com/#token=s3cretLinkToken";

const app = testApp();
const made: Jobs[] = [];
const lines: LogLine[] = [];
afterEach(async () => {
  for (const jobs of made.splice(0)) await jobs.stop();
  await app.deps.pool.query("DELETE FROM pgboss.job");
  lines.length = 0;
});

async function otherInstance(): Promise<Jobs> {
  const jobs = await createJobs({
    pool: app.deps.pool,
    keyring: app.deps.keyring,
    log: (level, message, fields) => lines.push({ level, message, fields }),
    superviseSeconds: 1,
  });
  made.push(jobs);
  return jobs;
}

async function stored(columns = "*"): Promise<Record<string, unknown>[]> {
  const { rows } = await app.deps.pool.query(
    `SELECT ${columns} FROM pgboss.job WHERE name = 'mail' ORDER BY created_on`,
  );
  return rows;
}

test("a job sent in a transaction that is rolled back never runs, one that is committed runs once", async () => {
  const jobs = await otherInstance();
  const seen: unknown[] = [];
  const failed = commit(app.deps, async (tx) => {
    await jobs.send("mail", { n: "rolled back" }, tx);
    expect(await tx.$queryRaw`SELECT count(*)::int AS n FROM pgboss.job`).toEqual([{ n: 1 }]);
    throw new Error("no");
  });
  await expect(failed).rejects.toThrow("no");
  await commit(app.deps, (tx) => jobs.send("mail", { n: "committed" }, tx));
  for (let round = 0; round < 2; round++)
    await jobs.drain(onMail(async (data) => void seen.push(data)));
  expect(seen).toEqual([{ n: "committed" }]);
});

test("a job costs the transaction one statement, also the first time", async () => {
  const jobs = await otherInstance();
  const statements: string[] = [];
  await commit(app.deps, async (tx) => {
    const counting = new Proxy(tx, {
      get(target, name, receiver) {
        if (name === "$queryRawUnsafe")
          return (sql: string, ...values: unknown[]) => {
            statements.push(sql);
            return target.$queryRawUnsafe(sql, ...values);
          };
        return Reflect.get(target, name, receiver);
      },
    });
    const beside = spyOn(app.deps.pool, "query");
    await jobs.send("mail", { link: SECRET }, counting);
    expect(beside).not.toHaveBeenCalled();
    beside.mockRestore();
  });
  expect(statements).toHaveLength(1);
  expect(await stored()).toHaveLength(1);
});

test("twenty jobs and two instances at once: each job runs once", async () => {
  const [one, two] = [await otherInstance(), await otherInstance()];
  const seen: unknown[] = [];
  for (let n = 0; n < 20; n++) await one.send("mail", n);
  const handlers = onMail(async (data) => {
    await Bun.sleep(5);
    seen.push(data);
  });
  await Promise.all([one.drain(handlers), two.drain(handlers)]);
  expect(seen.toSorted((a, b) => Number(a) - Number(b))).toEqual(
    Array.from({ length: 20 }, (_, n) => n),
  );
});

test("a failing job is tried again ever later, with the same id, and is kept in the end", async () => {
  const jobs = await otherInstance();
  await jobs.send("mail", { link: SECRET });
  const ids = new Set<string>();
  const waits: number[] = [];
  let attempts = 0;
  const handlers = onMail(async (_, job) => {
    ids.add(job.id);
    attempts += 1;
    throw new TypeError(`first line with ${SECRET}\nthe server is away`);
  });
  for (let round = 0; round < 20; round++) {
    await jobs.drain(handlers);
    const [job] = await stored("state, extract(epoch FROM start_after - now())::float8 AS wait");
    if (job?.state === "failed") break;
    waits.push(Number(job?.wait));
    await app.deps.pool.query("UPDATE pgboss.job SET start_after = now()");
  }
  expect(attempts).toBe(16);
  expect(ids.size).toBe(1);
  expect(waits[0]).toBeWithin(13, 31);
  expect(waits[3]).toBeGreaterThan(waits[0] ?? Number.POSITIVE_INFINITY);
  expect(waits.at(-1)).toBeWithin(3 * 3600, 4 * 3600 + 1);
  const total = waits.reduce((sum, wait) => sum + wait, 0);
  expect(total / 3600).toBeWithin(20, 34);
  expect(await stored("state, output")).toEqual([
    { state: "failed", output: { error: "TypeError: the server is away" } },
  ]);
  expect(lines).toHaveLength(16);
  expect(lines[0]).toEqual({
    level: "warn",
    message: "a job failed",
    fields: {
      queue: "mail",
      job: [...ids][0],
      attempt: 1,
      error: "TypeError: the server is away",
    },
  });
  expect(JSON.stringify(lines)).not.toContain("s3cret");
});

test("what can never succeed is not tried again, and is kept", async () => {
  const jobs = await otherInstance();
  await jobs.send("mail", {});
  let attempts = 0;
  const handlers = onMail(async () => {
    attempts += 1;
    throw new PermanentFailure("refused for good");
  });
  await jobs.drain(handlers);
  await app.deps.pool.query("UPDATE pgboss.job SET start_after = now()");
  await jobs.drain(handlers);
  expect(attempts).toBe(1);
  expect(await stored("state, output")).toEqual([
    { state: "failed", output: { error: "PermanentFailure: refused for good" } },
  ]);
});

test("what a job holds is not readable in the database, and nobody else's key opens it", async () => {
  const jobs = await otherInstance();
  await jobs.send("mail", { link: SECRET, to: "ada@example.com" });
  const rows = JSON.stringify(await stored());
  for (const text of [SECRET, "s3cret", "ada@example.com", btoa("ada@example.com").slice(0, 12)])
    expect(rows).not.toContain(text);

  const stranger = await createJobs({
    pool: app.deps.pool,
    keyring: deriveKeyring(randomBytes(32)),
    log: (level, message, fields) => lines.push({ level, message, fields }),
  });
  const seen: unknown[] = [];
  await stranger.drain(onMail(async (data) => void seen.push(data)));
  expect(seen).toEqual([]);
  expect(lines).toHaveLength(1);
});

test("one job's data cannot be put into another", async () => {
  const jobs = await otherInstance();
  const seen: unknown[] = [];
  await jobs.send("mail", "first");
  await jobs.send("mail", "second");
  await app.deps.pool.query(
    "UPDATE pgboss.job SET data = (SELECT data FROM pgboss.job ORDER BY created_on LIMIT 1)",
  );
  await jobs.drain(onMail(async (data) => void seen.push(data)));
  expect(seen).toEqual(["first"]);
});
