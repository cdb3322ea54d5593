/** `bun run check`: types, lint and format, unused code, architecture. All of them run; any failure fails it. */
import { ROOT } from "./prepare.ts";

const STEPS = {
  types: ["x", "tsc"],
  lint: ["x", "biome", "check", "--error-on-warnings"],
  unused: ["x", "knip"],
  architecture: ["scripts/architecture.ts"],
};

const failed: string[] = [];
for (const [name, args] of Object.entries(STEPS)) {
  const start = performance.now();
  const step = Bun.spawn([process.execPath, ...args], {
    cwd: ROOT,
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, status] = await Promise.all([
    step.stdout.text(),
    step.stderr.text(),
    step.exited,
  ]);
  console.error(
    `${status === 0 ? "ok    " : "FAILED"} ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)`,
  );
  if (status !== 0) {
    failed.push(name);
    console.error(`${stdout}${stderr}`);
  }
}
process.exit(failed.length === 0 ? 0 : 1);
