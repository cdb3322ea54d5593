import { expect, test } from "bun:test";
import { createBackground } from "../src/background.ts";

test("whoever waits for what is under way waits for what that begins, too", async () => {
  const background = createBackground();
  const done: string[] = [];
  async function first() {
    await Bun.sleep(5);
    void background.run(
      Bun.sleep(5).then(() => done.push("second")),
      () => {},
    );
    done.push("first");
  }
  void background.run(first(), () => {});
  await background.settled();
  expect(done).toEqual(["first", "second"]);
});

test("a failure is told, keeps nobody waiting, and rejects nowhere", async () => {
  const background = createBackground();
  const told: unknown[] = [];
  const work = background.run(Promise.reject(new Error("away")), (err) => told.push(err));
  await background.settled();
  expect(await work).toBeUndefined();
  expect(told).toEqual([new Error("away")]);
});
