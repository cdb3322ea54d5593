/** Traces, as a collector receives them. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createTraces } from "../../src/watch/otlp.ts";
import type { Traces } from "../../src/watch/traces.ts";
import {
  createTestApp,
  PASSWORD,
  proveAddress,
  registerOwner,
  type TestApp,
} from "../support/app.ts";
import { type Collector, type Span, startCollector, treeOf } from "./collector.ts";

let collector: Collector;
let app: TestApp;
beforeAll(async () => {
  collector = startCollector();
  app = await createTestApp({
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: "x-key=a%20b",
    OTEL_SERVICE_NAME: "tenantry under test",
  });
});
afterAll(async () => {
  await app.close();
  await collector.close();
});

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER = "00f067aa0ba902b7";
const traceparent = `00-${TRACE_ID}-${CALLER}-01`;
const inTrace = (traceId: string) => (spans: Span[]) =>
  spans.filter((span) => span.traceId === traceId);
const requestOf = (spans: readonly Span[], name: string) =>
  spans.find((span) => span.name === name);

describe("a log-in", () => {
  test("is a request with its hash and its statements in it, part of the caller's trace, and its mail follows as a job", async () => {
    const owner = await registerOwner(app);
    await proveAddress(app, owner);
    await app.mail();
    const { status } = await app.call("POST /v1/auth/login", {
      json: { email: owner.email, password: PASSWORD },
      headers: { traceparent, "user-agent": "a device that nobody knows" },
    });
    expect(status).toBe(200);
    await app.mail();
    const mine = inTrace(TRACE_ID);
    const spans = mine(
      await collector.until((all) => mine(all).some(({ name }) => name === "mail send")),
    );

    const request = requestOf(spans, "POST /v1/auth/login");
    expect(request).toMatchObject({ parentSpanId: CALLER, kind: 2, status: 0 });
    expect(Object.fromEntries(request?.attributes ?? [])).toEqual({
      "http.request.method": "POST",
      "http.route": "/v1/auth/login",
      "http.response.status_code": 200,
      "tenantry.request.id": expect.stringMatching(/^[0-9a-f-]{36}$/),
      "tenantry.tenant.id": owner.tenantId,
      "user.id": owner.id,
    });
    if (!request) throw new Error("there is no request");
    const names = treeOf(spans, request).children.map(({ name }) => name);
    expect(names.filter((name) => name.startsWith("password"))).toEqual(["password verify"]);
    for (const name of ["COMMIT", "SELECT", "WITH", "job notice"]) expect(names).toContain(name);
    const job = spans.find(({ name }) => name === "job notice");
    expect(job).toMatchObject({ parentSpanId: request.spanId, kind: 5 });
    if (!job) throw new Error("there is no job");
    expect(treeOf(spans, job).children.map(({ name }) => name)).toContain("mail send");
    const ids = new Set([CALLER, ...spans.map(({ spanId }) => spanId)]);
    expect(spans.filter(({ parentSpanId }) => !ids.has(parentSpanId))).toEqual([]);
  });

  test("without a caller's trace it begins one; what is no traceparent is none", async () => {
    const owner = await registerOwner(app);
    for (const header of ["", "00-x-y-01", `00-${"0".repeat(32)}-${CALLER}-01`, "ff".repeat(400)])
      await app.call("GET /v1/auth/me", {
        token: owner.accessToken,
        headers: { traceparent: header },
      });
    const isRequest = ({ name }: Span) => name === "GET /v1/auth/me";
    const spans = await collector.until((all) => all.filter(isRequest).length === 4);
    const requests = spans.filter(isRequest);
    expect(requests.map(({ parentSpanId }) => parentSpanId)).toEqual(["", "", "", ""]);
    expect(new Set(requests.map(({ traceId }) => traceId)).size).toBe(4);
  });

  test("a caller that does not sample is followed in that too", async () => {
    const other = TRACE_ID.replace("4b", "5b");
    await app.call("GET /health/live", { headers: { traceparent: `00-${other}-${CALLER}-00` } });
    await app.call("GET /health/live", { headers: { traceparent } });
    await collector.until((all) =>
      inTrace(TRACE_ID)(all).some(({ name }) => name.endsWith("/live")),
    );
    expect(inTrace(other)(collector.spans)).toEqual([]);
  });
});

test("a statement that fails says its SQLSTATE, a request that fails its status", async () => {
  const owner = await registerOwner(app);
  await app.deps.pool.query("ALTER TABLE role_permissions RENAME TO away");
  const { status } = await app.call("GET /v1/roles", { token: owner.accessToken });
  await app.deps.pool.query("ALTER TABLE away RENAME TO role_permissions");
  expect(status).toBe(500);
  const spans = await collector.until((all) => all.some(({ name }) => name === "GET /v1/roles"));
  const request = requestOf(spans, "GET /v1/roles");
  expect([request?.status, request?.attributes.get("error.type")]).toEqual([2, "500"]);
  const failed = spans.find(
    ({ parentSpanId, status }) => parentSpanId === request?.spanId && status === 2,
  );
  expect(failed?.attributes.get("error.type")).toBe("42P01");
});

test("what is sent holds no password, token, address, hash or value of a statement, and goes out as it was said", () => {
  const text = collector.texts.join("\n");
  expect(text).toContain("password_hash");
  for (const secret of [PASSWORD, "@", "$argon2", "Bearer", "eyJ", "a device that nobody knows"])
    expect([secret, text.includes(secret)]).toEqual([secret, false]);
  expect(text).toContain("tenantry under test");
  expect(collector.headers[0]?.get("x-key")).toBe("a b");
});

describe("a collector", () => {
  const lines: string[] = [];
  const tracesTo = (url: string) => {
    const options = { url: `${url}/v1/traces`, headers: {}, service: "x", share: 1 };
    return createTraces(options, (level, message) => lines.push(`${level} ${message}`));
  };
  const spans = async (traces: Traces, count: number) => {
    for (let n = 0; n < count; n++)
      await traces.within({ name: "a", kind: "internal" }, async () => {}, {});
  };

  test("that takes nothing is told of once, and once when it takes them again; what is left is sent at the end", async () => {
    const deaf = startCollector();
    deaf.status = 400;
    const traces = tracesTo(deaf.url);
    for (let n = 1; n <= 2; n++) {
      await spans(traces, 1);
      for (const end = Date.now() + 10_000; deaf.refused < n && Date.now() < end; )
        await Bun.sleep(20);
    }
    deaf.status = 200;
    await spans(traces, 3);
    await traces.stop();
    expect(deaf.spans).toHaveLength(3);
    expect(lines.splice(0)).toEqual(["warn traces cannot be sent", "info traces are sent again"]);
    await deaf.close();
  });

  test("that never answers holds up no request and no end, and fills no memory", async () => {
    const silent = Bun.serve({ port: 0, fetch: () => new Promise<Response>(() => {}) });
    const traces = tracesTo(`http://127.0.0.1:${silent.port}`);
    const begun = performance.now();
    await spans(traces, 20_000);
    expect(performance.now() - begun).toBeLessThan(5000);
    const ending = performance.now();
    await traces.stop();
    expect(performance.now() - ending).toBeLessThan(4000);
    await silent.stop(true);
  });
});
