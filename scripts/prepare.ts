/**
 * What a fresh clone lacks: packages and the generated Prisma client. A process of its own, with built-in modules only:
 * a process that began without node_modules does not find what is installed later.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const ROOT = join(import.meta.dir, "..");
const INSTALLED = join(ROOT, "node_modules", ".tenantry-lock");
const GENERATED = join(ROOT, "generated", "prisma", ".schema-hash");

/** Installs and generates when something changed since the last time; else takes a few milliseconds. */
async function prepare(): Promise<void> {
  await whenChanged(INSTALLED, ["bun.lock", "package.json"], async () => {
    console.error("Installing packages …");
    await run([process.execPath, "install", "--frozen-lockfile"]);
  });
  await whenChanged(GENERATED, ["bun.lock", "prisma/schema.prisma"], async () => {
    console.error("Generating the Prisma client …");
    await run([process.execPath, "x", "prisma", "generate"]);
  });
}

/** Runs a command from the root. @throws Error with all of its output when it fails; else nobody needs to see that. */
export async function run(command: string[], env: Record<string, string> = {}): Promise<string> {
  const child = Bun.spawn(command, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, status] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  if (status === 0) return stdout;
  const shown = command.slice(1).join(" ");
  throw new Error(`${stdout}${stderr}\nThis command failed with exit code ${status}: bun ${shown}`);
}

async function whenChanged(
  stamp: string,
  inputs: string[],
  work: () => Promise<void>,
): Promise<void> {
  const hash = createHash("sha256");
  for (const input of inputs) hash.update(readFileSync(join(ROOT, input)));
  const wanted = hash.digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  await work();
  writeFileSync(stamp, wanted);
}

if (import.meta.main) {
  await prepare().catch((err) => {
    console.error(err.message);
    process.exit(1);
  });
}
