/** What a process of `bun test` tells in JUnit's form. */

export type Report = { passed: number; failed: number; names: string[] };

/**
 * Counts what ran. A process that ended without its report, also well as after `process.exit(0)`, and one that failed
 * beside its tests, count as one failure.
 * @param text undefined when there is no report.
 */
export function readReport(
  text: string | undefined,
  { status, files }: { status: number; files: readonly string[] },
): Report {
  const [suites = ""] = /<testsuites [^>]*>/.exec(text ?? "") ?? [];
  const read = (name: string) => Number(new RegExp(` ${name}="(\\d+)"`).exec(suites)?.[1] ?? "0");
  const failed = read("failures") + read("errors");
  const passed = read("tests") - failed - read("skipped");
  if (failed === 0 && (status !== 0 || text === undefined))
    return { passed, failed: 1, names: [`${files.join(" ")}: ended with exit code ${status}`] };
  const cases = (text ?? "").matchAll(
    /<testcase name="([^"]*)"[^>]* file="([^"]*)"[^>]*>\s*<(?:failure|error)/g,
  );
  return { passed, failed, names: [...cases].map(([, name, file]) => `${file}: ${name}`) };
}
