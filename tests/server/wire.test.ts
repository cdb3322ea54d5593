/** The real server on a real socket: what no HTTP client would send, and how the connection ends. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { Problem } from "../../src/http/operation.ts";
import { raw } from "./raw.ts";
import { type Server, startServer } from "./start.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

afterEach(async () => {
  expect((await fetch(`${server.url}/health/live`)).status).toBe(200);
  expect(server.output()).not.toContain('"level":"error"');
});

const get = (path: string, ...headers: string[]) =>
  head("GET", path, "Host: localhost", ...headers);
const head = (method: string, path: string, ...headers: string[]) =>
  [`${method} ${path} HTTP/1.1`, ...headers, "", ""].join("\r\n");
const post = (...headers: string[]) =>
  head("POST", "/v1/auth/login", "Host: localhost", "Content-Type: application/json", ...headers);

const code = (body: string) => Problem.parse(JSON.parse(body)).code;
const MIB = 1024 * 1024;

describe("R52: a body of 10 MB", () => {
  test("with its length is a 413 before it has come", async () => {
    const length = `Content-Length: ${10 * MIB}`;
    const started = performance.now();
    const answer = await raw(server.port, [post(length), "{"]);
    expect([answer.status, code(answer.body)]).toEqual([413, "body_too_large"]);
    expect(performance.now() - started).toBeLessThan(3000);
  });

  test("sent whole is a 413, and the connection serves the next request", async () => {
    const body = Buffer.alloc(10 * MIB, " ");
    const next = get("/health/live");
    const answer = await raw(server.port, [post(`Content-Length: ${body.length}`), body, next]);
    expect(answer.status).toBe(413);
    expect(answer.body).toContain("HTTP/1.1 200 OK");
  });

  test("in chunks is a 413", async () => {
    const chunk = `10000\r\n${" ".repeat(0x10000)}\r\n`;
    const chunks = Array.from({ length: 160 }, () => chunk);
    const parts = [post("Transfer-Encoding: chunked"), ...chunks, "0\r\n\r\n"];
    const answer = await raw(server.port, parts);
    expect([
      answer.status,
      code(answer.body.replace(/^[0-9a-f]+\r\n|\r\n0\r\n\r\n$/g, "")),
    ]).toEqual([413, "body_too_large"]);
  });

  test("to a path that reads no body is not waited for", async () => {
    const length = `Content-Length: ${10 * MIB}`;
    const answer = await raw(server.port, [head("POST", "/nope", "Host: localhost", length), "{"]);
    expect(answer.status).toBe(404);
  });

  test("and one of a terabyte ends the connection", async () => {
    const answer = await raw(server.port, [post("Content-Length: 1000000000000"), "{"]);
    expect([answer.status, answer.closed]).toEqual([413, true]);
  });
});

describe("a body that lies about its length", () => {
  test("and breaks off is dropped with its connection, and is no error in our log", async () => {
    await raw(server.port, [post("Content-Length: 100"), "{"], { overdueMillis: 200 });
  });

  test("by being longer: the rest is the next request, and no answer is doubled", async () => {
    const answer = await raw(server.port, [post("Content-Length: 2"), "{}{}"]);
    expect(answer.status).toBe(422);
    expect(answer.closed).toBe(true);
  });

  const lies = {
    "two lengths": ["Content-Length: 2", "Content-Length: 3"],
    "a length and chunks, as request smugglers send them": [
      "Content-Length: 2",
      "Transfer-Encoding: chunked",
    ],
    "a negative length": ["Content-Length: -1"],
    "a length in words": ["Content-Length: two"],
    "an unknown coding": ["Transfer-Encoding: gzip"],
  };
  for (const [name, headers] of Object.entries(lies)) {
    test(`with ${name} is a 400, and the connection ends`, async () => {
      const answer = await raw(server.port, [post(...headers), "{}"]);
      expect([answer.status, answer.closed]).toEqual([400, true]);
    });
  }

  test("with chunks that are none", async () => {
    const answer = await raw(server.port, [
      post("Transfer-Encoding: chunked"),
      "zz\r\n{}\r\n0\r\n\r\n",
    ]);
    expect([answer.status, answer.closed]).toEqual([400, true]);
  });
});

describe("the request line", () => {
  const paths: [string, number][] = [
    ["/health/live#fragment", 200],
    ["/%2e%2e/health/live", 200],
    ["http://other.example/health/live", 200],
    ["//health/live", 404],
    ["/health\\..\\live", 404],
    ["/v1/users/\u00ff\u00fe", 401],
    ["/v1/users/%ff", 401],
    [`/${"x".repeat(8000)}`, 404],
    [`/${"x".repeat(100_000)}`, 431],
    [`/v1/users?search=${"x".repeat(8000)}`, 401],
  ];
  for (const [path, status] of paths) {
    test(`${JSON.stringify(path.slice(0, 40))} is a ${status}`, async () => {
      expect((await raw(server.port, Buffer.from(get(path), "latin1"))).status).toBe(status);
    });
  }

  test("R52: TRACE and methods that nobody asked for are a 405; what is no method at all is not answered", async () => {
    for (const method of ["TRACE", "PROPFIND", "PURGE", "CONNECT", "PUT"]) {
      const answer = await raw(
        server.port,
        head(method, "/health/live", "Host: localhost", "Connection: close", "Cookie: secret=1"),
      );
      expect([method, answer.status, answer.headers.get("allow")]).toEqual([
        method,
        405,
        "GET, HEAD",
      ]);
      expect(answer.body).not.toContain("secret");
    }
    for (const method of ["FOO", "get", "G E T"]) {
      const answer = await raw(server.port, head(method, "/health/live", "Host: localhost"));
      expect([method, answer.closed]).toEqual([method, true]);
      expect(answer.status).not.toBe(200);
    }
  });
});

test("R52: HEAD has the length that GET has, and no content", async () => {
  for (const path of ["/health/live", "/.well-known/jwks.json", "/nope", "/docs/start.js"]) {
    const [got, answer] = await Promise.all(
      ["GET", "HEAD"].map((method) =>
        raw(server.port, head(method, path, "Host: localhost", "Connection: close")),
      ),
    );
    const length = answer?.headers.get("content-length");
    expect([path, answer?.body, length]).toEqual([path, "", got?.headers.get("content-length")]);
    expect(Number(length)).toBeGreaterThan(0);
  }
});

test("R36: a log-out needs no body, and none of the headers of one", async () => {
  const cookie = "Cookie: __Host-tenantry_refresh=x";
  for (const headers of [
    [],
    ["Content-Length: 0"],
    ["Content-Length: 0", "Content-Type: text/x"],
  ]) {
    const common = ["Host: localhost", "Connection: close", ...headers];
    const bare = await raw(server.port, head("POST", "/v1/auth/logout", ...common));
    expect([headers, bare.status, code(bare.body)]).toEqual([headers, 401, "not_authenticated"]);
    const own = [...common, "Tenantry-Tokens: cookie", cookie];
    const out = await raw(server.port, head("POST", "/v1/auth/logout", ...own));
    expect([headers, out.status]).toEqual([headers, 204]);
  }
});

describe("the Host header, of which no path is made", () => {
  test("HTTP/1.0 needs none: load balancers probe so", async () => {
    const answer = await raw(server.port, "GET /health/live HTTP/1.0\r\n\r\n");
    expect([answer.status, answer.closed]).toEqual([200, true]);
  });

  test("HTTP/1.1 does", async () => {
    expect((await raw(server.port, head("GET", "/health/live"))).status).toBe(400);
  });

  test("may be empty, as the name in it may be", async () => {
    expect((await raw(server.port, head("GET", "/health/live", "Host:"))).status).toBe(200);
  });
});

describe("headers", () => {
  test("that are too many or too long are a 431", async () => {
    const many = Array.from({ length: 300 }, (_, i) => `x-${i}: 1`);
    expect((await raw(server.port, get("/health/live", ...many))).status).toBe(431);
    expect((await raw(server.port, get("/health/live", `x: ${"y".repeat(50_000)}`))).status).toBe(
      431,
    );
  });

  test("that stand twice make no access token", async () => {
    const request = get("/v1/auth/me", "Authorization: Bearer a", "Authorization: Bearer b");
    const answer = await raw(server.port, request);
    expect([answer.status, code(answer.body)]).toEqual([401, "invalid_token"]);
  });
});

test("R14: the caller's address is the socket's", async () => {
  const tenant = { name: "Wire", slug: "wire" };
  const json = { email: "owner@wire.example", password: "correct horse battery staple", tenant };
  const register = await fetch(`${server.url}/v1/auth/register`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-forwarded-for": "6.6.6.6" },
    body: JSON.stringify(json),
  });
  const { accessToken } = (await register.json()) as { accessToken: string };
  const headers = { authorization: `Bearer ${accessToken}` };
  const sessions = await fetch(`${server.url}/v1/auth/sessions`, { headers });
  expect(await sessions.json()).toMatchObject({ items: [{ ip: "127.0.0.1" }] });
});
