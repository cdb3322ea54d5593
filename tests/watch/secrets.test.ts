/** R66: whoever reads the log, the metrics or the traces of everything that can be done learns no secret and no address. */
import { afterAll, beforeAll, expect, spyOn, test } from "bun:test";
import { API_KEY_PREFIX } from "../../src/crypto/api-key.ts";
import { ERRORS } from "../../src/errors.ts";
import { TOURS } from "../http/every-tour.ts";
import {
  type Account,
  createSuperAdmin,
  createTestApp,
  PASSWORD,
  registerOwner,
  type TestApp,
} from "../support/app.ts";
import { type Collector, startCollector } from "./collector.ts";

let collector: Collector;
let app: TestApp;
let log = "";
let metrics = "";
beforeAll(async () => {
  collector = startCollector();
  const stdout = spyOn(process.stdout, "write").mockImplementation((text) => {
    log += String(text);
    return true;
  });
  app = await createTestApp({
    LOG_LEVEL: "debug",
    METRICS_PORT: "0",
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
  });
  try {
    await everything();
    metrics = (await app.served.metrics?.page()) ?? "";
  } finally {
    // The lines of a turn are written at its end.
    await Bun.sleep(10);
    stdout.mockRestore();
  }
}, 120_000);
afterAll(async () => {
  await app.close();
  await collector.close();
});

/** What must stand nowhere, by where it came from. */
const secrets = new Map<string, string>();
/** Six digits stand in many a number: these are looked for as a whole word. */
const codes = new Set<string>();

const SECRET_FIELD =
  /^(password|newPassword|currentPassword|passwordHash|secret|uri|code|recoveryCodes|challengeId|\w*[tT]oken)$/;

/** Everything that anybody can do, by calls that note what is secret in what is sent, answered and mailed. */
async function everything(): Promise<void> {
  const noting: TestApp = {
    ...app,
    async call(route, options = {}) {
      const answer = await app.call(route, options);
      note(route, options.json);
      for (const [name, value] of Object.entries(options.headers ?? {}))
        if (/^(cookie|authorization|tenantry-device-token)$/i.test(name))
          for (const part of value.split(/[;= ]+/)) noteText(`${route} ${name}`, part);
      if (options.token) noteText(`the token of ${route}`, options.token);
      if (answer.status < 300) note(`the answer of ${route}`, answer.body);
      for (const cookie of answer.headers.getSetCookie())
        noteText(`a cookie of ${route}`, /=([^;]*)/.exec(cookie)?.[1] ?? "");
      return answer;
    },
    async mail() {
      const mails = await app.mail();
      for (const { subject, text } of mails) {
        for (const [, token = ""] of text.matchAll(/#token=([\w-]+)/g)) noteText(subject, token);
        for (const [code] of text.matchAll(/^\d{6}$/gm)) codes.add(code);
      }
      return mails;
    },
    async lastMailTo(address) {
      await noting.mail();
      return app.lastMailTo(address);
    },
    as: ({ accessToken: token }, route, json) => noting.call(route, { token, json }),
  };
  const owner = await registerOwner(noting);
  const root = await createSuperAdmin(noting);
  const call = async (_: number, route: string, options = {}) =>
    (await noting.call(route, options)).body;
  for (const tour of Object.values(TOURS)) await tour({ app: noting, call, owner, root });
  await withCookies(noting, owner);
  await withMistakes(noting, owner);
  await noting.mail();
}

/** As pages have it: what they log in and refresh with is in cookies. */
async function withCookies({ call }: TestApp, { email }: Account): Promise<void> {
  const asked = { "tenantry-tokens": "cookie", "tenantry-device-token": "cookie" };
  const json = { email, password: PASSWORD };
  const jar = new Map<string, string>();
  for (const route of ["login", "login", "refresh", "logout"]) {
    const cookie = Array.from(jar, (pair) => pair.join("=")).join("; ");
    const headers = { ...asked, ...(cookie && { cookie }) };
    const answer = await call(`POST /v1/auth/${route}`, {
      headers,
      json: route === "login" ? json : {},
    });
    expect([route, answer.status < 300, answer.body]).toEqual([route, true, answer.body]);
    for (const text of answer.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(text) ?? [];
      jar.set(name, value);
    }
  }
}

/** Secrets in places where none belongs. */
async function withMistakes({ call }: TestApp, { email }: Account): Promise<void> {
  const secret = (text: string) => {
    noteText("a mistake", text);
    return text;
  };
  const headers = { "content-type": "application/json" };
  await call(`GET /v1/auth/me?access_token=${secret("a-token-in-the-query")}`);
  await call("GET /v1/auth/me", {
    headers: { authorization: `Basic ${secret("dXNlcjpwYXNzd29yZA")}` },
  });
  await call("POST /v1/auth/login", {
    headers,
    body: `{"password":"${secret("a body that breaks off")}`,
  });
  await call("POST /v1/auth/login", {
    json: { email, password: 1, [secret("a-secret-as-a-name")]: 1 },
  });
  await call("POST /v1/auth/login", {
    json: { email: secret("a password as an address"), password: "x" },
  });
  await call("GET /v1/auth/me", {
    headers: { "x-request-id": secret("a secret as a request's id") },
  });
  await call("GET /v1/auth/me", { headers: { traceparent: secret("a secret as a traceparent") } });
  const tracestate = `tenantry=${secret("a-secret-as-a-tracestate")}`;
  await call("GET /v1/auth/me", { headers: { tracestate } });
}

function note(from: string, value: unknown, name = ""): void {
  if (typeof value === "string" && (SECRET_FIELD.test(name) || value.startsWith(API_KEY_PREFIX)))
    noteText(`${from}, ${name}`, value);
  if (Array.isArray(value)) for (const each of value) note(from, each, name);
  else if (typeof value === "object" && value !== null)
    for (const [key, each] of Object.entries(value)) note(from, each, key);
}

function noteText(from: string, text: string): void {
  if (/^\d{6}$/.test(text)) codes.add(text);
  // What is too short to be a secret was sent to be refused.
  else if (text.length > 7 && !(text in ERRORS)) secrets.set(text, from);
}

/** Of what is stored only as a hash, or sealed: the bytes, as anything might print them. */
async function storedSecrets(): Promise<string[]> {
  const { rows } = await app.deps.pool.query<{ bytes: Buffer }>(`
    SELECT token_hash AS bytes FROM refresh_tokens UNION SELECT token_hash FROM one_time_tokens
    UNION SELECT code_hash FROM recovery_codes UNION SELECT key_hash FROM api_keys
    UNION SELECT secret FROM totp_factors UNION SELECT private_jwk FROM signing_keys
    UNION SELECT convert_to(password_hash, 'UTF8') FROM accounts WHERE password_hash IS NOT NULL`);
  return rows.flatMap(({ bytes }) => [
    bytes.toString("hex"),
    bytes.toString("base64"),
    bytes.toString("base64url"),
    bytes.toString("utf8"),
  ]);
}

const wholeWord = (code: string) => new RegExp(`(?<![\\w.:-])${code}(?![\\w.:-])`);

test("R66: of everything that can be done the log, the metrics and the traces tell nothing secret", async () => {
  await app.served.traces?.stop();
  const told = { log, metrics, traces: collector.texts.join("\n") };

  // What is looked through is there, and what is looked for too.
  expect(log.match(/"message":"request"/g)?.length).toBeGreaterThan(200);
  expect(log.match(/"message":"statement"/g)?.length).toBeGreaterThan(1000);
  expect(metrics).toContain('route="/v1/auth/mfa/verify"');
  expect(collector.spans.length).toBeGreaterThan(1000);
  expect(secrets.size).toBeGreaterThan(80);
  expect(codes.size).toBeGreaterThan(3);
  const stored = await storedSecrets();
  expect(stored.length).toBeGreaterThan(200);

  for (const [where, text] of Object.entries(told)) {
    for (const [secret, from] of secrets)
      for (const part of [secret, encodeURIComponent(secret), ...secret.split(".").slice(-1)])
        if (part.length > 7 && text.includes(part)) throw new Error(`${where}: ${from}: ${part}`);
    for (const bytes of stored) expect([where, text.includes(bytes)]).toEqual([where, false]);
    for (const code of codes)
      expect([where, code, wholeWord(code).test(text)]).toEqual([where, code, false]);
    expect(text).not.toMatch(
      /@[\w-]+\.example|\$argon2|\$2[aby]\$|Bearer |__Host-tenantry|otpauth:/,
    );
  }
});

test("the line of a request names its trace, its user and its tenant, and nobody where nobody is known", () => {
  const lines = log
    .split("\n")
    .filter((line) => line.includes('"message":"request"'))
    .map((line) => JSON.parse(line));
  const me = lines.find(({ path, status }) => path === "/v1/auth/me" && status === 200);
  expect(me).toEqual({
    time: expect.any(String),
    level: "info",
    message: "request",
    requestId: expect.any(String),
    method: "GET",
    path: "/v1/auth/me",
    status: 200,
    millis: expect.any(Number),
    traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
    tenantId: expect.any(String),
    userId: expect.any(String),
  });
  const traced = new Set(collector.spans.map(({ traceId }) => traceId));
  expect(traced.has(me.traceId)).toBe(true);
  const withStatus = (path: string, status: number) =>
    lines.filter((line) => line.path === path && line.status === status);
  expect(withStatus("/v1/auth/login", 200).some(({ userId }) => userId !== undefined)).toBe(true);
  for (const line of withStatus("/v1/auth/login", 401)) expect(line.userId).toBeUndefined();
  expect(withStatus("/v1/auth/logout", 204)[0].userId).toBeString();
});
