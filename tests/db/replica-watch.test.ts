/** When a replica counts as current, by what both sides say of themselves. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Position, Replayed } from "../../src/db/positions.ts";
import { fromReplica, type Replica, watchReplica } from "../../src/db/replica.ts";

const LAG = 60;

function at(bytes: number, more: Partial<Position> = {}): Position {
  return { bytes: BigInt(bytes), timeline: 1, system: "one", ...more };
}

type Sides = { written: () => Promise<Position>; replayed: () => Promise<Replayed> };

/** With what is logged, a line a word. */
async function watched(sides: Sides): Promise<{ replica: Replica; logged: string[] }> {
  const logged: string[] = [];
  const closing = { end: async () => {}, $disconnect: async () => {} };
  const replica = await watchReplica({
    pool: closing as never,
    db: closing as never,
    lagMillis: LAG,
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

test("without a replica, and within what reads from one already, the context stays what it was", async () => {
  const ctx = { pool: "pool" as never, db: "db" as never, replica: null };
  expect(await fromReplica(ctx, async (at) => at)).toEqual(ctx);
});
