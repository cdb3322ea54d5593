/**
 * `bun run test`: everything, in parallel, on one server and one template, with a last line that says how it went.
 * `bun run test tests/cli tests/audit -t R34`: files with a word in their path, then flags of `bun test`.
 */
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { dropTemplate, templateName } from "../tests/support/postgres.ts";
import { startTestServer } from "../tests/support/server.ts";
import { ROOT } from "./prepare.ts";
import { batchesOf, readArguments, testFiles } from "./test-batches.ts";
import { type Report, readReport } from "./test-report.ts";

const { words, flags } = readArguments(process.argv.slice(2));
const server = await startTestServer().catch((err) => {
  console.error(err instanceof Error ? err.message : err);
  console.log("0 passed, 1 failed");
  process.exit(1);
});
const folder = mkdtempSync(join(tmpdir(), "tenantry-report-"));
process.env.DATABASE_URL_TEST = server.url;
console.error(`PostgreSQL: ${server.kind}`);

/** One more than there are cores: each waits at times, for the database or for a clock. */
const WORKERS = availableParallelism() + 1;

const waiting = batchesOf(testFiles(ROOT, words));
const running = new Set<Bun.Subprocess>();
const reports: Report[] = [];
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => {
    waiting.length = 0;
    reports.push({ passed: 0, failed: 1, names: [`ended by ${signal}`] });
    for (const batch of running) batch.kill(signal);
  });

try {
  process.env.TENANTRY_TEST_TEMPLATE = await templateName();
  await Promise.all(Array.from({ length: WORKERS }, work));
} catch (err) {
  reports.push({ passed: 0, failed: 1, names: [err instanceof Error ? err.message : String(err)] });
}
await dropTemplate().finally(server.stop);
rmSync(folder, { recursive: true, force: true });
// Once more at the end: above they stand between what thousands of others have printed.
for (const name of reports.flatMap(({ names }) => names)) console.log(`failed: ${name}`);
const [passed, failed] = [sum(reports, "passed"), sum(reports, "failed")];
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);

/** Takes one batch after the other, while there are any. */
async function work(): Promise<void> {
  for (let batch = waiting.shift(); batch; batch = waiting.shift()) reports.push(await run(batch));
}

async function run(files: string[]): Promise<Report> {
  const began = performance.now();
  const path = join(folder, Bun.randomUUIDv7());
  // No pipe: whatever a test has left running would hold that open, and the run would wait for it.
  const output = openSync(`${path}.log`, "a");
  const tests = Bun.spawn(
    [
      ...[process.execPath, "test", "--only-failures", "--pass-with-no-tests", "--timeout=60000"],
      ...["--reporter=junit", `--reporter-outfile=${path}.xml`, ...flags],
      ...files.map((file) => `./${file}`),
    ],
    { cwd: ROOT, env: { ...process.env, NODE_ENV: "test" }, stdio: ["ignore", output, output] },
  );
  running.add(tests);
  const status = await tests.exited;
  running.delete(tests);
  closeSync(output);
  const text = existsSync(`${path}.xml`) ? readFileSync(`${path}.xml`, "utf8") : undefined;
  const report = readReport(text, { status, files });
  if (report.failed > 0) console.error(readFileSync(`${path}.log`, "utf8"));
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.error(
    `${dirname(files[0] ?? "")}: ${report.passed} passed in ${files.length} files, ${seconds} s`,
  );
  return report;
}

function sum(reports: readonly Report[], what: "passed" | "failed"): number {
  return reports.reduce((total, report) => total + report[what], 0);
}
