/** Load from a process of its own, so that neither its work nor its garbage is in the times of who asks for it. */
import { join } from "node:path";
import type { Load, Plan } from "./plan.ts";

/** @throws Error when any answer was another one than expected, with what it said. */
export async function sendLoad(plan: Plan): Promise<Load> {
  return runProcess([join(import.meta.dir, "process.ts")], plan);
}

/** Runs a program of the bench that takes JSON and answers JSON. @throws Error with its own words when it fails. */
export async function runProcess<Answer>(argv: string[], input: unknown): Promise<Answer> {
  const child = Bun.spawn([process.execPath, "--no-orphans", ...argv], {
    stdin: new Blob([JSON.stringify(input)]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, status] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  if (status !== 0) throw new Error(`the load failed:\n${stderr}`);
  return JSON.parse(stdout);
}
