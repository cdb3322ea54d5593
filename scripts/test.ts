/** `bun run test`: everything, in parallel, on one server and one template, with a last line that says how it went. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dropTemplate, templateName } from "../tests/support/postgres.ts";
import { startTestServer } from "../tests/support/server.ts";
import { ROOT } from "./prepare.ts";

const folder = mkdtempSync(join(tmpdir(), "tenantry-report-"));
const report = join(folder, "junit.xml");
const server = await startTestServer();
process.env.DATABASE_URL_TEST = server.url;
console.error(`PostgreSQL: ${server.kind}`);

let status = 1;
try {
  process.env.TENANTRY_TEST_TEMPLATE = await templateName();
  const tests = Bun.spawn(
    [
      process.execPath,
      "test",
      "--parallel",
      "--reporter=junit",
      `--reporter-outfile=${report}`,
      ...process.argv.slice(2),
    ],
    {
      cwd: ROOT,
      env: { ...process.env, NODE_ENV: "test" },
      stdio: ["ignore", "inherit", "inherit"],
    },
  );
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => tests.kill(signal));
  status = await tests.exited;
  await dropTemplate();
} finally {
  await server.stop();
}
const { passed, failed } = readReport();
rmSync(folder, { recursive: true, force: true });
console.log(`${passed} passed, ${failed} failed`);
process.exit(status !== 0 || failed > 0 || passed === 0 ? 1 : 0);

/** Counts what ran. A run that died before its report counts as one failure. */
function readReport(): { passed: number; failed: number } {
  try {
    const [suites = ""] = /<testsuites [^>]*>/.exec(readFileSync(report, "utf8")) ?? [];
    const read = (name: string) =>
      Number(new RegExp(` ${name}="(\\d+)"`).exec(suites)?.[1] ?? Number.NaN);
    const failed = read("failures") + (Number.isNaN(read("errors")) ? 0 : read("errors"));
    const passed = read("tests") - failed - (Number.isNaN(read("skipped")) ? 0 : read("skipped"));
    if (Number.isNaN(passed)) return { passed: 0, failed: 1 };
    return { passed, failed: status !== 0 && failed === 0 ? 1 : failed };
  } catch {
    return { passed: 0, failed: 1 };
  }
}
