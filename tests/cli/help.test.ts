/** Every script of package.json that takes options tells which, and says in plain words that there is no such one. */
import { describe, expect, test } from "bun:test";
import { scripts } from "../../package.json";
import { ROOT } from "../../scripts/prepare.ts";

/** Scripts that hand their arguments on to other programs, or that take none. */
const WITHOUT = [
  ...["dev", "start", "test", "typecheck", "lint", "format", "unused", "check"],
  ...["bench:drift", "bench:scope"],
];
const names = Object.keys(scripts).filter((name) => !WITHOUT.includes(name));

async function run(name: string, argument: string) {
  const [, ...args] = scripts[name as keyof typeof scripts].split(" ");
  const child = Bun.spawn([process.execPath, ...args, argument], {
    cwd: ROOT,
    env: { PATH: process.env.PATH },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { out, err, code: await child.exited };
}

const isForOperators = (name: string) =>
  scripts[name as keyof typeof scripts].includes(" src/cli/");

describe("--help is answered", () => {
  // Those for operators have tests of their own, which look at it too.
  test.each(names.filter((name) => !isForOperators(name)))("by bun run %s", async (name) => {
    const { out, err, code } = await run(name, "--help");
    expect({ err, code }).toEqual({ err: "", code: 0 });
    expect(out).toMatch(/bun run|Usage/);
  });
});

describe("an option is unknown", () => {
  test.each(names)("to bun run %s, which says so", async (name) => {
    const { out, err, code } = await run(name, "--no-such-option");
    expect(out).toBe("");
    expect(err).toMatch(/no-such-option|no arguments/);
    expect(err).not.toMatch(/^\s+at |node:util|\.ts:\d/m);
    expect([1, 2]).toContain(code);
  });
});
