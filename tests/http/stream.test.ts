import { expect, test } from "bun:test";
import type { AuthedContext } from "../../src/context.ts";
import { exportStream } from "../../src/http/stream.ts";
import { createTurns } from "../../src/turns.ts";

test("R71: a reader who goes away amid a piece ends the export, and is no error in the log", async () => {
  const logged: unknown[] = [];
  const turns = createTurns();
  const ctx = {
    principal: { tenantId: "a tenant", userId: "a user" },
    config: { clientTimeoutSeconds: 30 },
    turns,
    log: (...line: unknown[]) => logged.push(line),
  } as unknown as AuthedContext;
  const piece = Promise.withResolvers<string>();
  let ended = false;
  async function* pieces() {
    try {
      yield "first";
      yield await piece.promise;
    } finally {
      ended = true;
    }
  }
  const body = await exportStream(ctx, { mayGoOn: async () => {}, begin: pieces });
  const reader = body.getReader();
  await reader.read();
  const second = reader.read();
  // For the second piece to be asked for.
  await Bun.sleep(5);
  const left = reader.cancel();
  piece.resolve("second");
  await left;
  expect((await second).done).toBe(true);
  await Bun.sleep(5);
  expect([ended, logged]).toEqual([true, []]);
});
