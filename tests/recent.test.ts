import { heapStats } from "bun:jsc";
import { expect, test } from "bun:test";
import fc from "fast-check";
import { createRecent } from "../src/recent.ts";

test("it holds the most recently used, and no more than it may", () => {
  const used = fc.array(fc.nat({ max: 8 }), { maxLength: 60 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), used, (most, keys) => {
      const recent = createRecent<number>(most);
      for (const key of keys) if (recent.get(`${key}`) === undefined) recent.set(`${key}`, key);
      const last = [...new Set(keys.toReversed())].slice(0, most);
      expect([...recent.values()]).toEqual(last);
    }),
  );
});

test("it forgets after a time, however often it was used", async () => {
  const recent = createRecent<true>(10, 30);
  recent.set("a", true);
  for (let times = 0; times < 4; times += 1) {
    await Bun.sleep(10);
    recent.get("a");
  }
  expect(recent.get("a")).toBeUndefined();
});

test("what may hold a hundred thousand and holds nothing takes no room", () => {
  Bun.gc(true);
  const before = heapStats().heapSize;
  const made = Array.from({ length: 20 }, () => createRecent<number>(100_000));
  Bun.gc(true);
  expect(heapStats().heapSize - before).toBeLessThan(10_000_000);
  expect(made).toHaveLength(20);
});
