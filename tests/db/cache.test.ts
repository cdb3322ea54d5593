/** What is kept in memory of the database: never older than the last word about it. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { createCache } from "../../src/db/cache.ts";

type Value = { version: number };

/** A cache of what `versions` says, whose questions are answered when the test wants it. */
function create(max = 100) {
  const versions = new Map<string, number>();
  const open: (() => void)[] = [];
  const asked: string[] = [];
  const listener = { healthy: true };
  const cache = createCache<Value | null>(max, (key) => {
    asked.push(key);
    const version = versions.get(key);
    const { promise, resolve } = Promise.withResolvers<Value | null>();
    open.push(() => resolve(version === undefined ? null : { version }));
    return promise;
  });
  cache.watch(listener);
  const answer = async () => {
    for (const each of open.splice(0)) each();
    await Bun.sleep(0);
  };
  return { cache, versions, open, asked, listener, answer };
}

test("no reading that began after a change gives a value from before it, whatever is under way", async () => {
  const key = fc.constantFrom("a", "b");
  const step = fc.oneof(
    { arbitrary: fc.record({ do: fc.constant("read" as const), key }), weight: 4 },
    fc.record({ do: fc.constant("change" as const), key }),
    fc.record({ do: fc.constant("change all" as const), key }),
    { arbitrary: fc.record({ do: fc.constant("answer" as const), key }), weight: 2 },
    fc.record({ do: fc.constant("lose or find the listener" as const), key }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 10, maxLength: 40 }),
      fc.nat(),
      async (steps, seed) => {
        const { cache, versions, open, listener, answer } = create();
        for (const name of ["a", "b"]) versions.set(name, 0);
        const readings: Promise<void>[] = [];
        const change = (name: string) => versions.set(name, (versions.get(name) ?? 0) + 1);
        for (const { do: action, key: name } of steps) {
          if (action === "read") {
            const least = versions.get(name) ?? 0;
            const known = cache.known(name);
            if (known && !listener.healthy) expect.unreachable("nobody would tell of a change");
            expect(known?.version ?? least).toBeGreaterThanOrEqual(least);
            readings.push(
              cache.get(name).then((value) => expect(value?.version).toBeGreaterThanOrEqual(least)),
            );
          } else if (action === "change") {
            change(name);
            if (listener.healthy) cache.forget(name);
          } else if (action === "change all") {
            change("a");
            change("b");
            if (listener.healthy) cache.forget();
          } else if (action === "answer") {
            open.splice(seed % Math.max(1, open.length), 1)[0]?.();
            await Bun.sleep(0);
          } else {
            // As the listener does: what may have been missed is dropped before it is healthy again.
            if (!listener.healthy) cache.forget();
            listener.healthy = !listener.healthy;
          }
        }
        await answer();
        await Promise.all(readings);
      },
    ),
    { numRuns: 500 },
  );
});

test("readings at once share one question; what is known costs none", async () => {
  const { cache, versions, asked, answer } = create();
  versions.set("a", 1);
  const readings = [cache.get("a"), cache.get("a"), cache.get("a")];
  await answer();
  const read = await Promise.all([...readings, cache.get("a")]);
  expect(read.map((value) => value?.version)).toEqual([1, 1, 1, 1]);
  expect(cache.known("a")).toEqual({ version: 1 });
  expect(asked).toEqual(["a"]);
});

test("with no listener every reading is a question of its own, and nothing of it is kept", async () => {
  const { cache, versions, asked, listener, answer } = create();
  versions.set("a", 1);
  listener.healthy = false;
  const readings = [cache.get("a"), cache.get("a")];
  listener.healthy = true;
  await answer();
  await Promise.all(readings);
  const last = cache.get("a");
  await answer();
  await last;
  expect(asked).toEqual(["a", "a", "a"]);
});

test("no more are kept than may be, and what there is not takes no room", async () => {
  const { cache, versions, asked, answer } = create(2);
  for (const name of ["a", "b", "c"]) versions.set(name, 1);
  const read = async (name: string) => {
    const reading = cache.get(name);
    await answer();
    await reading;
  };
  for (const name of ["a", "b", "none", "no other", "a", "c", "a", "b"]) await read(name);
  expect(asked).toEqual(["a", "b", "none", "no other", "c", "b"]);
});

test("a question that fails is asked again, and what was known stays so", async () => {
  let fails = true;
  const cache = createCache<Value>(10, async () => {
    if (fails) throw new Error("the database is away");
    return { version: 1 };
  });
  cache.watch({ healthy: true });
  const failed = await Promise.allSettled([cache.get("a"), cache.get("a")]);
  expect(failed.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  fails = false;
  expect(await cache.get("a")).toEqual({ version: 1 });
  fails = true;
  expect(await cache.get("a")).toEqual({ version: 1 });
});
