import { expect, test } from "bun:test";
import fc from "fast-check";
import { createFairQueue, type FairQueue, type FairQueueLimits } from "../src/fair-queue.ts";

const ENDLESS: FairQueueLimits = { turns: 1, turnsEach: 1, waiting: 1000, waitingEach: 1000 };

/** Lets everything happen that can happen without a timer. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("R72: who comes last is served before the second turn of whoever asked for many", async () => {
  const queue = createFairQueue(ENDLESS);
  const order: string[] = [];
  const work = (name: string) => async () => void order.push(name);
  const all = [1, 2, 3, 4].map((n) => queue.run("greedy", work(`greedy ${n}`)));
  all.push(queue.run("modest", work("modest")));
  await Promise.all(all);
  expect(order.indexOf("modest")).toBeLessThan(order.indexOf("greedy 3"));
});

test("R72: no caller holds more than their share, and the rest is free for others", async () => {
  const queue = createFairQueue({ ...ENDLESS, turns: 4, turnsEach: 2 });
  const held = [await queue.turn("greedy"), await queue.turn("greedy")];
  let third = false;
  const waits = queue.turn("greedy").then((end) => {
    third = true;
    return end;
  });
  held.push(await queue.turn("modest"));
  await settled();
  expect(third).toBe(false);
  held[0]?.();
  held[0]?.();
  await settled();
  expect(third).toBe(true);
  for (const end of [...held, await waits]) end();
});

test("R11: too many who wait are told to come back, of one caller and of all", async () => {
  const queue = createFairQueue({ turns: 1, turnsEach: 1, waiting: 2, waitingEach: 1 });
  const end = await queue.turn("a");
  const waits = [queue.turn("a")];
  await expect(queue.turn("a")).rejects.toMatchObject({ code: "overloaded" });
  waits.push(queue.turn("b"));
  await expect(queue.turn("c")).rejects.toMatchObject({ code: "overloaded" });
  end();
  await Promise.all(waits.map(async (each) => (await each)()));
});

test("R72: whatever comes in whatever order, limits hold, everybody is served and nothing is kept", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ who: fc.constantFrom("a", "b", "c", null), steps: fc.nat(3) }), {
        maxLength: 40,
      }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 4 }),
      async (jobs, turns, turnsEach) => {
        const queue = createFairQueue({ turns, turnsEach, waiting: 100, waitingEach: 100 });
        const now = new Map<string | null, number>();
        let most = 0;
        let mostEach = 0;
        const change = (who: string | null, by: number) => {
          now.set(who, (now.get(who) ?? 0) + by);
          most = Math.max(
            most,
            [...now.values()].reduce((sum, n) => sum + n, 0),
          );
          mostEach = Math.max(mostEach, now.get(who) ?? 0);
        };
        let served = 0;
        const work = async (who: string | null, steps: number) => {
          change(who, 1);
          for (let step = 0; step < steps; step += 1) await null;
          change(who, -1);
          served += 1;
        };
        await Promise.all(jobs.map(({ who, steps }) => queue.run(who, () => work(who, steps))));
        expect(served).toBe(jobs.length);
        expect(most).toBeLessThanOrEqual(turns);
        expect(mostEach).toBeLessThanOrEqual(Math.min(turns, turnsEach));
        // Whoever comes now finds it free.
        for (let each = 0; each < Math.min(turns, turnsEach); each += 1) await queue.turn("last");
      },
    ),
    { numRuns: 300 },
  );
});

test("R72: when all places to wait are taken, whoever has most of them makes room for whoever has none", async () => {
  const queue = createFairQueue({ turns: 1, turnsEach: 1, waiting: 3 });
  const end = await queue.turn("first");
  const greedy = [1, 2, 3].map((n) => queue.run("greedy", async () => n));
  const modest = queue.run("modest", async () => "served");
  await expect(greedy[2]).rejects.toMatchObject({ code: "overloaded" });
  end();
  expect(await modest).toBe("served");
  expect(await Promise.all(greedy.slice(0, 2))).toEqual([1, 2]);
});

test("R72: nobody waits for longer than is said, and who gave up takes no turn", async () => {
  const queue = createFairQueue({ ...ENDLESS, waitingMillis: 20 });
  const end = await queue.turn("a");
  const late = queue.turn("b");
  await expect(late).rejects.toMatchObject({ code: "overloaded" });
  end();
  expect(queue.turnNow("c")).not.toBeNull();
});

test("a turn that is free is had without a promise, and a share may differ by caller", () => {
  const turnsEach = (who: string | null) => (who === null ? 3 : 1);
  const queue = createFairQueue({ ...ENDLESS, turns: 3, turnsEach });
  const end = queue.turnNow("a");
  expect(queue.turnNow("a")).toBeNull();
  expect(
    [queue.turnNow(null), queue.turnNow(null), queue.turnNow(null)].map((each) => each !== null),
  ).toEqual([true, true, false]);
  end?.();
  expect(queue.turnNow("a")).not.toBeNull();
});

test("work that fails gives its turn back", async () => {
  const queue = createFairQueue(ENDLESS);
  const broken = queue.run("a", () => Promise.reject(new Error("broken")));
  await expect(broken).rejects.toThrow("broken");
  expect(await queue.run("a", async () => "done")).toBe("done");
});

/** Has `who` hold a turn for so long that they count as somebody who asks for much. */
async function spend(queue: FairQueue, who: string): Promise<void> {
  await queue.run(who, () => Bun.sleep(500));
}

test("R72: whoever asks for much leaves a turn free while there are others, and has all of them alone", async () => {
  const queue = createFairQueue({ ...ENDLESS, turns: 2, turnsEach: 2 });
  await spend(queue, "greedy");
  await Bun.sleep(2100);
  const alone = [queue.turnNow("greedy"), queue.turnNow("greedy")];
  expect(alone.map((end) => end !== null)).toEqual([true, true]);
  alone[0]?.();
  alone[1]?.();
  queue.turnNow("modest")?.();
  const beside = [queue.turnNow("greedy"), queue.turnNow("greedy"), queue.turnNow("modest")];
  expect(beside.map((end) => end !== null)).toEqual([true, false, true]);
  // Who waited for the turn that was left free has it once another one ends.
  const waits = queue.turn("greedy");
  beside[2]?.();
  await settled();
  beside[0]?.();
  (await waits)();
});
