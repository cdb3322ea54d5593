/** A command of src/cli as an operator runs it: a process of its own, which knows what it is told and no more. */
import { join } from "node:path";

const ROOT = join(import.meta.dir, "..", "..");

export async function runCommand(name: string, args: string[], env: Record<string, string>) {
  const child = Bun.spawn([process.execPath, "--no-env-file", `src/cli/${name}.ts`, ...args], {
    cwd: ROOT,
    env: { PATH: process.env.PATH ?? "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { out, err, code };
}
