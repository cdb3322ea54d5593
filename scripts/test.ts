/** `bun run test`: everything, in parallel, on one server and one template, with a last line that says how it went. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dropTemplate, templateName } from "../tests/support/postgres.ts";
import { startTestServer } from "../tests/support/server.ts";
import { ROOT } from "./prepare.ts";

const server = await startTestServer().catch((err) => {
  console.error(err instanceof Error ? err.message : err);
  console.log("0 passed, 1 failed");
  process.exit(1);
});
const folder = mkdtempSync(join(tmpdir(), "tenantry-report-"));
const report = join(folder, "junit.xml");
process.env.DATABASE_URL_TEST = server.url;
console.error(`PostgreSQL: ${server.kind}`);

let tests: Bun.Subprocess | undefined;
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => (tests ? tests.kill(signal) : void finish(1)));

try {
  process.env.TENANTRY_TEST_TEMPLATE = await templateName();
  tests = Bun.spawn(
    [
      ...[process.execPath, "test", "--parallel", "--only-failures", "--timeout=60000"],
      ...["--reporter=junit", `--reporter-outfile=${report}`, ...process.argv.slice(2)],
    ],
    {
      cwd: ROOT,
      env: { ...process.env, NODE_ENV: "test" },
      stdio: ["ignore", "inherit", "inherit"],
    },
  );
  await finish(await tests.exited);
} catch (err) {
  console.error(err instanceof Error ? err.message : err);
  await finish(1);
}

/** Leaves nothing behind, prints the line that says how it went, and ends. */
async function finish(status: number): Promise<never> {
  await dropTemplate().finally(server.stop);
  const { passed, failed, names } = readReport(status);
  rmSync(folder, { recursive: true, force: true });
  // Once more at the end: above they stand between what thousands of others have printed.
  for (const name of names) console.log(`failed: ${name}`);
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(status !== 0 || failed > 0 || passed === 0 ? 1 : 0);
}

/** Counts what ran. A run that died without its report, or that failed beside its tests, counts as one failure. */
function readReport(status: number): { passed: number; failed: number; names: string[] } {
  try {
    const text = readFileSync(report, "utf8");
    const [suites = ""] = /<testsuites [^>]*>/.exec(text) ?? [];
    const read = (name: string) => Number(new RegExp(` ${name}="(\\d+)"`).exec(suites)?.[1] ?? "0");
    const failed = read("failures") + read("errors");
    const passed = read("tests") - failed - read("skipped");
    const cases = text.matchAll(
      /<testcase name="([^"]*)"[^>]* file="([^"]*)"[^>]*>\s*<(?:failure|error)/g,
    );
    const names = [...cases].map(([, name, file]) => `${file}: ${name}`);
    return { passed, failed: status !== 0 && failed === 0 ? 1 : failed, names };
  } catch {
    return { passed: 0, failed: 1, names: [] };
  }
}
