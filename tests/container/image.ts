/**
 * The images as production runs them. It needs Docker and both of them, so it is not among the tests that run everywhere:
 *   docker build -t tenantry . && docker build -t tenantry-migrate --target migrate . && bun test ./tests/container/image.ts
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { readProduction } from "../../scripts/lockfile.ts";
import { freePort } from "../mail/smtp-server.ts";
import { createDatabase, onServer, type TestDatabase } from "../support/postgres.ts";

const IMAGE = process.env.TEST_IMAGE ?? "tenantry";
const MIGRATE = process.env.TEST_MIGRATE_IMAGE ?? "tenantry-migrate";
// The test server listens on this machine only, which the host's network reaches.
const LOCKED_DOWN = [
  "--read-only",
  "--cap-drop=ALL",
  "--security-opt=no-new-privileges",
  "--network=host",
];

setDefaultTimeout(60_000);

describe("the images", () => {
  let database: TestDatabase;
  let login: URL;
  beforeAll(async () => {
    database = await createDatabase({ template: false });
    login = new URL(database.url);
    login.username = `image_${randomBytes(6).toString("hex")}`;
    login.password = randomBytes(24).toString("hex");
  });
  afterAll(async () => {
    await database?.drop();
    await onServer(`DROP ROLE IF EXISTS ${login.username}`);
  });

  test("one migrates an empty database to what is declared, locked down as it is", async () => {
    const deploy = await run(MIGRATE);
    expect(deploy.output).toContain("All migrations have been successfully applied");
    expect(deploy.status).toBe(0);
    const drift = await run(MIGRATE, [], "bun", "run", "drift", "--strict");
    expect(drift.output).toContain("no drift");
    expect(drift.status).toBe(0);
  });

  test("the other makes its login, serves, becomes healthy, and ends with 0 when it is stopped", async () => {
    const roles = await run(IMAGE, ["-e", `APP_DATABASE_URL=${login}`], "bun", "run", "db:roles");
    expect([roles.status, roles.output]).toEqual([0, expect.stringContaining(login.username)]);
    const port = await freePort();
    const secret = randomBytes(32).toString("base64");
    const env = {
      DATABASE_URL: String(login),
      SECRET_KEY: secret,
      ISSUER: "https://id.example.com",
      APP_URL: "https://app.example.com",
      PORT: String(port),
    };
    const started = await docker(
      ...["run", "--detach", ...LOCKED_DOWN, "--health-interval=500ms"],
      ...Object.entries(env).flatMap(([name, value]) => ["-e", `${name}=${value}`]),
      IMAGE,
    );
    const name = started.output.trim();
    try {
      await until(async () => (await inspect(name, "{{.State.Health.Status}}")) === "healthy");
      const ready = await fetch(`http://127.0.0.1:${port}/health/ready`);
      expect([ready.status, await ready.json()]).toEqual([200, { status: "ok" }]);
      expect((await fetch(`http://127.0.0.1:${port}/openapi.json`)).status).toBe(404);
      await docker("stop", "--time=60", name);
      expect(await inspect(name, "{{.State.ExitCode}}")).toBe("0");
    } finally {
      await docker("rm", "--force", name);
    }
  });

  test("the server's names what its configuration lacks, and fails", async () => {
    const { status, output } = await run(IMAGE, ["-e", "SECRET_KEY="]);
    expect(output).toContain("SECRET_KEY: is required");
    expect(status).toBe(1);
  });

  test.each([IMAGE, MIGRATE])(
    "%s is nobody in particular, and may not change its own code",
    async (image) => {
      expect(await inspect(image, "{{.Config.User}}")).toBe("1000:1000");
      const { output } = await docker("run", "--rm", image, "find", "/app", "-writable");
      expect(output).toBe("");
    },
  );

  test("some clusters give every project a user of its own", async () => {
    const stranger = await run(MIGRATE, ["--user=23456:0"], "bun", "run", "drift", "--help");
    expect(stranger.status).toBe(0);
  });

  test("the server's holds the packages that its SBOM names and no other, and no demo data", async () => {
    const locked = readProduction(["tenantry"]).filter(({ folder }) => folder === null);
    const held = await packagesOf(IMAGE);
    const names = (packages: { name: string }[]) => new Set(packages.map(({ name }) => name));
    expect(held.difference(names(locked))).toEqual(new Set());
    expect(names(locked.filter(({ optional }) => !optional)).difference(held)).toEqual(new Set());
    const { output } = await docker("run", "--rm", IMAGE, "find", "prisma", "-maxdepth", "1");
    expect(output.trim().split("\n").sort()).toEqual(["prisma", "prisma/migrations"]);
  });

  test("the other holds no package that its SBOM does not name", async () => {
    const locked = readProduction(["@tenantry/prisma-engine", "@tenantry/drift"]);
    const held = await packagesOf(MIGRATE);
    expect(held.difference(new Set(locked.map(({ name }) => name)))).toEqual(new Set());
    expect(held).toContain("prisma");
  });

  function run(image: string, options: string[] = [], ...command: string[]) {
    const address = ["-e", `DATABASE_URL=${database.url}`];
    return docker("run", "--rm", ...LOCKED_DOWN, ...address, ...options, image, ...command);
  }
});

/** The names of all packages in an image, those that lie below others too. */
async function packagesOf(image: string): Promise<Set<string>> {
  const { output } = await docker(
    "run",
    "--rm",
    image,
    "find",
    "node_modules",
    "-name",
    "package.json",
  );
  const own = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\/package\.json$/;
  return new Set(output.split("\n").flatMap((path) => own.exec(path)?.[1] ?? []));
}

async function docker(...args: string[]): Promise<{ status: number; output: string }> {
  const child = Bun.spawn(["docker", ...args], { stdout: "pipe", stderr: "pipe" });
  const [out, err, status] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { status, output: out + err };
}

async function inspect(name: string, format: string): Promise<string> {
  return (await docker("inspect", "--format", format, name)).output.trim();
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 30_000; !(await holds()); await Bun.sleep(100)) {
    if (Date.now() > deadline) throw new Error("it did not come about within 30 seconds");
  }
}
