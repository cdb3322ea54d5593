/** When a replica counts as current, by what both sides say of themselves. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Position, Replayed } from "../../src/db/positions.ts";
import { fromReplica, type Replica, watchReplica } from "../../src/db/replica.ts";
import { createMetrics, type Metrics } from "../../src/watch/metrics.ts";
import { parsePage, sampled } from "../watch/prometheus.ts";

const LAG = 60;

function at(bytes: number, more: Partial<Position> = {}): Position {
  return { bytes: BigInt(bytes), timeline: 1, system: "one", ...more };
}

type Sides = { written: () => Promise<Position>; replayed: () => Promise<Replayed> };

/** With what is logged, a line a word. */
async function watched(
  sides: Sides,
  metrics?: Metrics,
): Promise<{ replica: Replica; logged: string[] }> {
  const logged: string[] = [];
  const closing = { end: async () => {}, $disconnect: async () => {} };
  const replica = await watchReplica({
    pool: closing as never,
    db: closing as never,
    lagMillis: LAG,
    ...(metrics && { metrics }),
    written: () => sides.written(),
    replayed: () => sides.replayed(),
    log: (level, message, fields) =>
      logged.push([level, message, fields?.reason].filter(Boolean).join(": ")),
  });
  return { replica, logged };
}

const FAULTS: [string, Sides["replayed"]][] = [
  [`it is not there in ${LAG} ms`, async () => at(6)],
  [`it is not there in ${LAG} ms`, () => new Promise(() => {})],
  ["it is no replica", async () => null],
  ["it follows another primary", async () => at(8, { system: "two" })],
  // After a failover: it has more of the old timeline than there is of the new one.
  ["it is on another timeline", async () => at(8, { timeline: 0 })],
  ["Error: gone", () => Promise.reject(new Error("gone"))],
];

test.each(FAULTS)("%s: it is not asked, and the log says why", async (fault, replayed) => {
  const { replica, logged } = await watched({ written: async () => at(7), replayed });
  expect(await replica.isCurrent()).toBe(false);
  expect(logged).toEqual([`warn: the replica is behind or away, the primary answers: ${fault}`]);
  await replica.close();
});

test("one that catches up in time is waited for; one that was given up is looked for, and the log says that it is back", async () => {
  const sides = { goal: 5, here: 5 };
  const { replica, logged } = await watched({
    written: async () => at(sides.goal),
    replayed: async () => at(sides.here),
  });
  sides.goal = 9;
  setTimeout(() => {
    sides.here = 9;
  }, LAG / 3);
  expect(await replica.isCurrent()).toBe(true);
  expect(logged).toEqual([]);
  sides.goal = 10;
  expect(await replica.isCurrent()).toBe(false);
  sides.here = 10;
  // Until it was looked for.
  expect(await replica.isCurrent()).toBe(false);
  while (!(await replica.isCurrent())) await Bun.sleep(20);
  expect(logged).toEqual([
    expect.stringMatching(/^warn: the replica is behind/),
    "info: the replica has caught up, and answers again",
  ]);
  await replica.close();
});

test("many ask with few questions, and nobody is answered with what was asked before they came", async () => {
  const pace = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(pace, async (pauses) => {
      let position = 0;
      let replayed = 0;
      let questions = 0;
      const { replica } = await watched({
        async written() {
          questions += 1;
          const answer = at(position);
          await Bun.sleep(1);
          return answer;
        },
        replayed: async () => at(replayed),
      });
      questions = 0;
      await Promise.all(
        pauses.map(async (pause, n) => {
          await Bun.sleep(pause);
          // A write, which the replica has not heard of when this one asks.
          position += 1;
          const mine = position;
          setTimeout(() => {
            replayed = Math.max(replayed, mine);
          }, n % 7);
          if (await replica.isCurrent()) expect(replayed).toBeGreaterThanOrEqual(mine);
        }),
      );
      expect(questions).toBeLessThanOrEqual(pauses.length);
      await replica.close();
    }),
    { numRuns: 20 },
  );
});

test("the metrics say who answered, how long was waited; it says itself whether it is asked, and how far it is behind", async () => {
  const metrics = createMetrics();
  const sides = { goal: 5, here: 5 };
  const { replica } = await watched(
    { written: async () => at(sides.goal), replayed: async () => at(sides.here) },
    metrics,
  );
  const metric = async (name: string, labels = {}) =>
    sampled(parsePage(await metrics.page()), `tenantry_replica_${name}`, labels) ?? 0;
  const counts = async () => [
    await metric("reads_total", { by: "replica" }),
    await metric("reads_total", { by: "primary" }),
    await metric("wait_seconds_count"),
  ];
  const ctx = { pool: "pool" as never, db: "db" as never, replica };
  const [, , waited = 0] = await counts();
  await fromReplica(ctx, async () => null);
  expect(await counts()).toEqual([1, 0, waited + 1]);
  expect([replica.healthy, await replica.lagBytes()]).toEqual([true, 0]);
  // What it breaks off the primary answers after it.
  const broken = Object.assign(new Error("conflict"), { code: "40001" });
  await fromReplica(ctx, async (there) => {
    if (there.replica === null && there.pool !== ctx.pool) throw broken;
  });
  expect(await counts()).toEqual([2, 1, waited + 2]);
  sides.goal = 12;
  for (let n = 0; n < 2; n += 1) await fromReplica(ctx, async () => null);
  // The second one did not wait.
  expect(await counts()).toEqual([2, 3, waited + 3]);
  expect([replica.healthy, await replica.lagBytes()]).toEqual([false, 7]);
  await replica.close();
});

test("without a replica, and within what reads from one already, the context stays what it was", async () => {
  const ctx = { pool: "pool" as never, db: "db" as never, replica: null };
  expect(await fromReplica(ctx, async (at) => at)).toEqual(ctx);
});
