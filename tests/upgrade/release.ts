/** The code of the release before, out of git's history. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { shippedMigrations } from "../../src/health/readiness.ts";
import lastRelease from "./last-release.json";

const ROOT = join(import.meta.dir, "..", "..");

export type Release = {
  name: string;
  /** Where its code is, with its packages and its Prisma client. */
  root: string;
  migrations: string[];
  /** Those that this build has beyond them, in order. */
  since: string[];
};

/** @throws Error when the history of this clone does not reach so far back: nothing can be said then. */
export async function unpackLastRelease(root: string): Promise<Release> {
  const { name, commit } = lastRelease;
  const isThere = Bun.spawnSync(["git", "cat-file", "-e", `${commit}^{commit}`], { cwd: ROOT });
  if (isThere.exitCode !== 0)
    throw new Error(
      `The last release (${commit}, tests/upgrade/last-release.json) is not in the history of this clone. ` +
        "A shallow one gets it by: git fetch --unshallow",
    );
  mkdirSync(root, { recursive: true });
  await run(ROOT, "sh", "-c", `git archive ${commit} | tar --extract --directory="$0"`, root);
  // Its own packages: those of today may be others.
  await run(root, process.execPath, "scripts/prepare.ts");
  const migrations = shippedMigrations(join(root, "prisma", "migrations"));
  const since = shippedMigrations(join(ROOT, "prisma", "migrations")).filter(
    (migration) => !migrations.includes(migration),
  );
  return { name, root, migrations, since };
}

/** @throws Error with all that it said when it fails. */
export async function run(cwd: string, ...command: string[]): Promise<void> {
  const child = Bun.spawn(command, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  if ((await child.exited) !== 0) throw new Error(`${command.join(" ")}:\n${out}${err}`);
}
