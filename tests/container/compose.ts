/**
 * compose.yaml, brought up as its head says. It needs Docker with compose 2, and builds what is not built yet:
 *   bun test ./tests/container/compose.ts
 */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { networkInterfaces } from "node:os";
import { freePort } from "../mail/smtp-server.ts";

setDefaultTimeout(600_000);

const project = `tenantry-test-${randomBytes(4).toString("hex")}`;
const env = {
  POSTGRES_PASSWORD: randomBytes(24).toString("hex"),
  APP_PASSWORD: randomBytes(24).toString("hex"),
  SECRET_KEY: randomBytes(32).toString("base64"),
};

async function compose(given: object, ...args: string[]) {
  const child = Bun.spawn(["docker", "compose", "--project-name", project, ...args], {
    env: { ...process.env, ...given },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, status] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { output: out + err, status };
}

afterAll(() => compose(env, "down", "--volumes"));

test("asks for every secret, and starts nothing without them", async () => {
  for (const name of Object.keys(env)) {
    const { status, output } = await compose({ ...env, [name]: "" }, "config", "--quiet");
    expect([name, status === 0, output.includes(name)]).toEqual([name, false, true]);
  }
  expect(await compose(env, "config", "--quiet")).toEqual({ output: "", status: 0 });
});

test("comes up from nothing, on this machine alone, and ends with 0", async () => {
  const port = await freePort();
  const up = await compose(
    { ...env, PORT: String(port) },
    "up",
    "--detach",
    "--wait",
    "--build",
    "api",
  );
  expect([up.status, up.output]).toEqual([0, expect.any(String)]);
  const ready = await fetch(`http://127.0.0.1:${port}/health/ready`);
  expect([ready.status, await ready.json()]).toEqual([200, { status: "ok" }]);
  const others = Object.values(networkInterfaces())
    .flatMap((addresses = []) => addresses)
    .filter(({ family, internal }) => family === "IPv4" && !internal);
  for (const { address } of others)
    expect(
      await fetch(`http://${address}:${port}/health/live`).then(
        () => "open",
        () => "closed",
      ),
    ).toBe("closed");
  const { output } = await compose(env, "logs", "api");
  expect(output).toContain("There is no super admin yet.");
  expect((await compose(env, "stop", "api")).status).toBe(0);
  expect(
    (await compose(env, "ps", "--all", "--format", "{{.ExitCode}}", "api")).output.trim(),
  ).toBe("0");
});
