/** R66: what the real server writes while it is used, at its most talkative. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { SQL } from "bun";
import { Problem } from "../../src/http/operation.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { type Server, startServer } from "./start.ts";

const SECRET_KEY = randomBytes(32).toString("base64");
let database: TestDatabase;
let server: Server;
beforeAll(async () => {
  database = await createDatabase();
  server = await startServer({ DATABASE_URL: database.appUrl, LOG_LEVEL: "debug", SECRET_KEY });
});
afterAll(async () => {
  await server.stop();
  await database.drop();
});

type Line = { time: string; level: string; message: string; [field: string]: unknown };
const lines = (): Line[] =>
  server
    .output()
    .split("\n")
    // The last one is not written to its end yet, or empty.
    .slice(0, -1)
    .map((line) => JSON.parse(line));

const requests = () => lines().filter(({ message }) => message === "request");

/** Whatever must never be written, as it comes up. */
const secrets = new Set<string>([SECRET_KEY]);

let calls = 0;

/** Answers once its line is there too: that comes through a pipe, and so may come after the answer. */
async function call(
  method: string,
  path: string,
  json?: object | string,
  headers: Record<string, string> = {},
) {
  const response = await fetch(server.url + path, {
    method,
    headers: { ...(json && { "content-type": "application/json" }), ...headers },
    ...(json && { body: typeof json === "string" ? json : JSON.stringify(json) }),
  });
  const text = await response.text();
  const body = text === "" ? {} : JSON.parse(text);
  for (const secret of [body.accessToken, body.refreshToken]) if (secret) secrets.add(secret);
  calls += 1;
  const isWritten = () => requests().length >= calls;
  for (const begun = Date.now(); !isWritten() && Date.now() < begun + 30_000; ) await Bun.sleep(5);
  return { status: response.status, body };
}

function secret(text: string): string {
  secrets.add(text);
  return text;
}

function expectNoSecrets(): void {
  secrets.add(new URL(database.url).password);
  const written = server.output();
  for (const text of secrets) {
    // The signature of a token alone would be enough to complete one.
    for (const part of [text, ...text.split(".")].filter((part) => part.length > 5)) {
      expect(written).not.toContain(part);
    }
  }
  expect(written).not.toMatch(/authorization|bearer|cookie|\$argon2|@secret\.example/i);
}

test("a tour leaves a line for each request, and no password, token, header or address", async () => {
  const password = secret("correct horse battery staple");
  const email = "owner@secret.example";
  const tenant = { name: "Log", slug: "log" };
  const { body } = await call("POST", "/v1/auth/register", { email, password, tenant });
  const bearer = { authorization: `Bearer ${body.accessToken}` };
  await call("POST", "/v1/auth/login", { email, password: secret("a wrong password") });
  await call("POST", "/v1/auth/login", { email, password, [secret("unknown-field-secret")]: 1 });
  await call(
    "POST",
    "/v1/auth/login",
    `{"email":"${email}","password":"${secret("broken off secret")}`,
  );
  await call("GET", `/v1/auth/me?access_token=${secret("token-in-the-query")}`, undefined, {
    cookie: `s=${secret("cookie-secret")}`,
  });
  await call("GET", "/v1/auth/me", undefined, {
    authorization: `Bearer ${secret("not-a-token-of-ours")}`,
  });
  await call("GET", "/v1/auth/me", undefined, {
    authorization: `Basic ${secret(btoa("user:secret"))}`,
  });
  await call("GET", `/v1/users?search=${email}`, undefined, bearer);
  await call(
    "POST",
    "/v1/users",
    { email: "member@secret.example", password: secret("another long password") },
    bearer,
  );
  await call("POST", "/v1/auth/refresh", { refreshToken: body.refreshToken });
  await call("POST", "/v1/auth/refresh", { refreshToken: secret("a-refresh-token-of-nobody") });
  const newPassword = secret("a new and longer password");
  await call(
    "POST",
    "/v1/auth/change-password",
    { currentPassword: password, newPassword },
    bearer,
  );
  await call("POST", "/v1/auth/logout", undefined, bearer);

  const requests = lines().filter(({ message }) => message === "request");
  expect(requests).toHaveLength(13);
  expect(requests[0]).toEqual({
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    level: "info",
    message: "request",
    requestId: expect.any(String),
    method: "POST",
    path: "/v1/auth/register",
    status: 201,
    millis: expect.any(Number),
    tenantId: body.user.tenantId,
    userId: body.user.id,
  });
  expectNoSecrets();
});

test("hostile paths and request ids stay within their line", async () => {
  const before = requests().length;
  const path = "/%0a%7b%22level%22:%22forged%22%7d";
  await call("GET", path, undefined, { "x-request-id": '"}{"level":"forged' });
  // The server may write of something else meanwhile.
  expect(requests()).toHaveLength(before + 1);
  expect(requests().at(-1)).toMatchObject({ level: "info", status: 404 });
  expect(lines().filter(({ level }) => level === "forged")).toEqual([]);
});

test("a fault of ours is told whole to the log, without values, and to the caller as its request id alone", async () => {
  const password = secret("a password when all is broken");
  const tenant = { name: "Broken", slug: "broken" };
  const sql = new SQL(database.url);
  await sql`ALTER TABLE audit_log RENAME COLUMN action TO deed`;
  const { status, body } = await call("POST", "/v1/auth/register", {
    email: "new@secret.example",
    password,
    tenant,
  });
  await sql`ALTER TABLE audit_log RENAME COLUMN deed TO action`;
  await sql.end();

  expect(status).toBe(500);
  const problem = Problem.strict().parse(body);
  expect(problem).toMatchObject({ code: "internal_error", title: "Something went wrong" });
  expect(JSON.stringify(body)).not.toMatch(/audit|action|column|prisma|P2022|\.ts/i);
  const logged = lines().find(({ message }) => message === "internal_error");
  expect(problem.instance).toBe(`urn:tenantry:request:${logged?.requestId}`);
  expect(String(logged?.error)).toContain("action");
  expectNoSecrets();
});

test("probes have no line but where LOG_HEALTH is on", async () => {
  const before = lines().length;
  for (const path of ["/health/live", "/health/ready"]) await fetch(server.url + path);
  await call("GET", "/v1/nope");
  const requests = lines()
    .slice(before)
    .filter(({ message }) => message === "request");
  expect(requests.map(({ path }) => path)).toEqual(["/v1/nope"]);

  const asked = await startServer({ LOG_HEALTH: "on", SCHEMA_CHECK: "off" });
  await fetch(`${asked.url}/health/live`);
  for (let n = 0; n < 100 && !asked.output().includes("/health/live"); n += 1) await Bun.sleep(20);
  expect(asked.output()).toMatch(/"message":"request".*"path":"\/health\/live","status":200/);
  await asked.stop();
});

test("what libraries print is in the log, in its form, and without what they print of data", async () => {
  const script = `
    import { createLog } from "./src/log.ts";
    import { logLibraryWords } from "./src/library-words.ts";
    import { deprecate } from "node:util";
    logLibraryWords(createLog("info"));
    console.warn("prisma:warn in %s\\n  secret: 1\\n\\nIt took long.", "findMany");
    console.error(new TypeError("boom"));
    process.emitWarning("SECURITY WARNING: The SSL modes\\nand more");
    deprecate(() => {}, "old")();
    console.debug("nothing");`;
  const child = Bun.spawn([process.execPath, "--no-env-file", "-e", script], {
    cwd: `${import.meta.dir}/../..`,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  const said = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(err).toBe("");
  expect(said.map(({ level, message, words }) => [level, message, words])).toEqual([
    ["warn", "a library says", "It took long."],
    ["error", "a library says", "TypeError: boom"],
    ["warn", "a library says", "SECURITY WARNING: The SSL modes"],
    ["warn", "a library says", "old"],
  ]);
});
