/** R66: what a line of the log is made of, and that none is lost. */
import { expect, spyOn, test } from "bun:test";
import { join } from "node:path";
import fc from "fast-check";
import { createLog } from "../src/log.ts";

/** What is written of one line; a warning is written at once. */
function written(message: string, fields?: Record<string, unknown>): string {
  const write = spyOn(process.stdout, "write").mockReturnValue(true);
  try {
    createLog("info")("warn", message, fields);
    return write.mock.calls.map(([text]) => String(text)).join("");
  } finally {
    write.mockRestore();
  }
}

test("a line is the JSON of time, level, message and fields, in this order", () => {
  const flat = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.constant(undefined),
  );
  const name = fc.stringMatching(/^[a-z][A-Za-z]{0,8}$/).filter((key) => !isOwn(key));
  const value = fc.oneof(flat, fc.array(flat), fc.dictionary(name, flat));
  fc.assert(
    fc.property(fc.string(), fc.option(fc.dictionary(name, value)), (message, fields) => {
      const line = fields ? written(message, { ...fields }) : written(message);
      const { time } = JSON.parse(line);
      expect(Math.abs(Date.now() - Date.parse(time))).toBeLessThan(60_000);
      const whole = { time, level: "warn", message, ...fields };
      expect(line).toBe(`${JSON.stringify(whole)}\n`);
    }),
    { numRuns: 500 },
  );
});

function isOwn(name: string): boolean {
  return ["time", "level", "message"].includes(name);
}

test("of an error it has the last line alone, however deep it is", () => {
  const error = new TypeError("arguments: somebody@example.com\nthe connection is lost");
  const described = "TypeError: the connection is lost";
  expect(JSON.parse(written("x", { error, within: { error } }))).toMatchObject({
    error: described,
    within: { error: described },
  });
});

test.each([
  "throw new Error('unmeant')",
  "process.exit(3)",
  "Promise.reject(new Error('unmeant'))",
  "",
])("no line is lost by a process that ends with %p", async (end) => {
  const log = join(import.meta.dir, "..", "src", "log.ts");
  const program = `import { createLog } from "${log}"; createLog("info")("info", "last words"); ${end}`;
  const child = Bun.spawn([process.execPath, "-e", program], { stdout: "pipe", stderr: "ignore" });
  expect(JSON.parse(await child.stdout.text()).message).toBe("last words");
});
