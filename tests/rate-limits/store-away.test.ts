/** A store that cannot be reached at start: the log names the host and says why, and the password is in no word of it. */
import { expect, test } from "bun:test";
import { createServer } from "node:net";
import { connectStore } from "../../src/rate-limits/store.ts";

async function reasonFor(url: string): Promise<string> {
  const reasons: unknown[] = [];
  const store = await connectStore(url, (_level, _message, fields) => reasons.push(fields?.reason));
  expect(store.healthy).toBe(false);
  store.close();
  expect(reasons).toHaveLength(1);
  return String(reasons[0]);
}

test("no such host, nothing that listens, and another program", async () => {
  expect(await reasonFor("redis://:hunter2@nowhere.invalid:6390")).toMatch(
    /^nowhere\.invalid:6390: (ENOTFOUND|EAI_AGAIN|Error: no answer)/,
  );
  const listener = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const { port } = listener.address() as { port: number };
  const other = await reasonFor(`redis://:hunter2@127.0.0.1:${port}`);
  expect(other).toContain("something listens there");
  expect(other).not.toContain("hunter2");
  listener.close();
  expect(await reasonFor(`redis://:hunter2@127.0.0.1:${port}`)).toBe(
    `127.0.0.1:${port}: ECONNREFUSED`,
  );
});
