/** The clock of this machine beside the database's. */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { plainly } from "../../src/db/scoped-pool.ts";
import { clockAhead } from "../../src/db/session-settings.ts";
import { type ClockWatch, watchClock } from "../../src/health/clock-watch.ts";
import { startServer } from "../server/start.ts";
import { testApp } from "../support/app.ts";

const app = testApp();

test("it is measured to within the way to the database", async () => {
  for (const shift of [0, 61, -3600]) {
    const pool = plainly(app.served.pool);
    const { seconds, uncertainty } = await clockAhead(pool, () => Date.now() + shift * 1000);
    expect(Math.abs(seconds - shift)).toBeLessThan(uncertainty + 0.5);
  }
});

test("it is told once when it goes off and once when it is right, and holds up to a minute and a half", async () => {
  let seconds = 0;
  let uncertainty = 0.01;
  const said: string[] = [];
  const watch: ClockWatch = await watchClock({
    log: (level, message, fields) => said.push(`${level} ${message} ${fields?.aheadSeconds}`),
    measure: async () => {
      if (uncertainty === 0) throw new Error("away");
      return { seconds, uncertainty };
    },
    everySeconds: 0.01,
  });
  const after = async (next: number, nextUncertainty = 0.01) => {
    [seconds, uncertainty] = [next, nextUncertainty];
    await Bun.sleep(60);
    return watch.current();
  };
  expect(watch.current()).toEqual({ holds: true, aheadSeconds: 0 });
  expect(said).toEqual([]);
  expect(await after(-60)).toEqual({ holds: true, aheadSeconds: -60 });
  expect(await after(3600)).toEqual({ holds: false, aheadSeconds: 3600 });
  // What is not known now is as it was.
  expect(await after(0, 0)).toEqual({ holds: false, aheadSeconds: 3600 });
  expect(await after(6, 2)).toEqual({ holds: true, aheadSeconds: 6 });
  watch.stop();
  expect(said).toEqual([
    "warn the clock of this machine is not the database's -60",
    "info the clock of this machine is the database's again 6",
  ]);
});

test("an instance whose clock is an hour off says so at start, and is not ready", async () => {
  const shift = join(tmpdir(), `tenantry-shift-${process.pid}.ts`);
  writeFileSync(shift, "const now = Date.now; Date.now = () => now() + 3_600_000;");
  const server = await startServer({ BUN_OPTIONS: `--preload=${shift}`, SCHEMA_CHECK: "off" });
  const ready = await fetch(`${server.url}/health/ready`);
  expect([ready.status, await ready.json()]).toMatchObject([503, { checks: { clock: "off" } }]);
  expect(server.output()).toContain("the clock of this machine is not the database's");
  expect(server.output()).toMatch(
    /"message":"not ready","reason":"the clock is 3\d{3}(\.\d)? s ahead/,
  );
  await server.stop();
});
