/**
 * The image as production runs it. It needs Docker and an image, so it is not among the tests that run everywhere:
 *   docker build -t tenantry . && TEST_IMAGE=tenantry bun test ./tests/container/image.ts
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { createServer } from "node:net";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";

const IMAGE = process.env.TEST_IMAGE ?? "tenantry";
// The test server listens on this machine only, which the host's network reaches.
const LOCKED_DOWN = [
  "--read-only",
  "--cap-drop=ALL",
  "--security-opt=no-new-privileges",
  "--network=host",
];

setDefaultTimeout(60_000);

describe("the image", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase({ template: false });
  });
  afterAll(() => database?.drop());

  test("migrates an empty database to what is declared, locked down as it is", async () => {
    const deploy = await run([], "bunx", "prisma", "migrate", "deploy");
    expect(deploy.output).toContain("All migrations have been successfully applied");
    expect(deploy.status).toBe(0);
    const drift = await run([], "bun", "run", "drift", "--strict");
    expect(drift.output).toContain("no drift");
    expect(drift.status).toBe(0);
  });

  test("serves, becomes healthy, and ends with 0 when it is stopped", async () => {
    const port = await freePort();
    const secret = randomBytes(32).toString("base64");
    const started = await docker(
      "run",
      "--detach",
      ...LOCKED_DOWN,
      "--health-interval=500ms",
      ...[
        "-e",
        `DATABASE_URL=${database.url}`,
        "-e",
        `SECRET_KEY=${secret}`,
        ...["-e", "ISSUER=https://id.example.com", "-e", "APP_URL=https://app.example.com"],
        "-e",
        `PORT=${port}`,
        IMAGE,
      ],
    );
    const name = started.output.trim();
    try {
      await until(async () => (await inspect(name, "{{.State.Health.Status}}")) === "healthy");
      const ready = await fetch(`http://127.0.0.1:${port}/health/ready`);
      expect([ready.status, await ready.json()]).toEqual([200, { status: "ok" }]);
      expect((await fetch(`http://127.0.0.1:${port}/openapi.json`)).status).toBe(404);
      await docker("stop", "--time=30", name);
      expect(await inspect(name, "{{.State.ExitCode}}")).toBe("0");
    } finally {
      await docker("rm", "--force", name);
    }
  });

  test("names what its configuration lacks, and fails", async () => {
    const { status, output } = await run(["-e", "SECRET_KEY="]);
    expect(output).toContain("SECRET_KEY: is required");
    expect(status).toBe(1);
  });

  test("is nobody in particular, and may not change its own code", async () => {
    expect(await inspect(IMAGE, "{{.Config.User}}")).toBe("1000:1000");
    const { output } = await docker("run", "--rm", IMAGE, "find", "/app", "-writable");
    expect(output).toBe("");
    // Some clusters give every project a user of its own.
    const stranger = await run(["--user=23456:0"], "bun", "run", "drift", "--help");
    expect(stranger.status).toBe(0);
  });

  test("holds no development dependency", async () => {
    const { devDependencies } = await Bun.file("package.json").json();
    // Type packages may come with a dependency that names them.
    const names = Object.keys(devDependencies).filter((name) => !name.startsWith("@types/"));
    const { output } = await docker("run", "--rm", IMAGE, "find", "node_modules", "-maxdepth", "2");
    for (const name of names) expect(output.split("\n")).not.toContain(`node_modules/${name}`);
    expect(output.split("\n")).toContain("node_modules/hono");
  });

  function run(options: string[], ...command: string[]) {
    return docker(
      "run",
      "--rm",
      ...LOCKED_DOWN,
      "-e",
      `DATABASE_URL=${database.url}`,
      ...options,
      IMAGE,
      ...command,
    );
  }
});

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

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no free port on 127.0.0.1");
  return address.port;
}
