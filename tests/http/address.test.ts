/** What stands in the request line: paths, methods, query strings. */
import { beforeAll, describe, expect, test } from "bun:test";
import { createApp } from "../../src/app.ts";
import { type Account, registerOwner, testApp } from "../support/app.ts";
import { expectProblem, paths } from "./problem.ts";

const app = testApp();
let owner: Account;
beforeAll(async () => {
  owner = await registerOwner(app);
});

const get = (path: string) => app.call(`GET ${path}`, { token: owner.accessToken });

/** The answer as it is: `call` would parse the body that a HEAD does not have. */
const answer = (path: string, init: RequestInit) => createApp(app.deps, []).request(path, init);

const BAD_TEXT = ["%00", "%ff", "%c0%af", "%ed%a0%80", "%e2%82", "%", "%zz", "%u0041"];

describe("an unknown path is a 404, with or without a token", () => {
  for (const path of [
    "/",
    "/v1",
    "/v1/nope",
    "/v1/users/",
    "/V1/users",
    "//v1/users",
    "/v1/users/x/y/z",
  ]) {
    test(path, async () => {
      expectProblem(await get(path), "not_found");
      expectProblem(await app.call(`POST ${path}`), "not_found");
    });
  }

  for (const text of [
    ...BAD_TEXT,
    "..%2f..%2fetc",
    "x".repeat(10_000),
    "'%20OR%201=1--",
    "__proto__",
  ]) {
    test(`also under /${text.slice(0, 20)}, and for such an id`, async () => {
      expectProblem(await get(`/${text}`), "not_found");
      expectProblem(await get(`/v1/users/${text}`), "not_found");
      expectProblem(await get(`/v1/tenants/${text}`), "not_found");
      expectProblem(await get(`/v1/users/${text}/profile`), "not_found");
      const ended = await app.call(`DELETE /v1/auth/sessions/${text}`, {
        token: owner.accessToken,
      });
      expectProblem(ended, "not_found");
    });
  }
});

describe("R52: the wrong method for a path is a 405 that lists the right ones", () => {
  const cases = {
    "GET /v1/auth/login": "POST",
    "PUT /v1/auth/me": "GET, DELETE, HEAD",
    "PUT /v1/users": "GET, POST, HEAD",
    "PUT /v1/users/0": "GET, PATCH, DELETE, HEAD",
    "GET /v1/users/0/restore": "POST",
    "DELETE /v1/users/0/profile": "GET, PATCH, HEAD",
    "PROPFIND /v1/audit-logs": "GET, HEAD",
    "PURGE /health/live": "GET, HEAD",
    "POST /openapi.json": "GET, HEAD",
    "PATCH /.well-known/jwks.json": "GET, HEAD",
    "POST /docs": "GET, HEAD",
  };
  for (const [route, allow] of Object.entries(cases)) {
    test(route, async () => {
      const answer = await app.call(route);
      expectProblem(answer, "method_not_allowed");
      expect(answer.headers.get("allow")).toBe(allow);
    });
  }

  test("OPTIONS is answered with the list alone, and an unknown path stays a 404", async () => {
    const { status, headers, body } = await app.call("OPTIONS /v1/users/0");
    expect([status, headers.get("allow"), body]).toEqual([204, "GET, PATCH, DELETE, HEAD", ""]);
    expectProblem(await app.call("OPTIONS /v1/nope"), "not_found");
  });
});

/** What each answer has for itself, and the length, which Bun adds to a GET when it sends it. */
const OF_ITSELF = ["x-request-id", "content-length"];

describe("R52: HEAD answers as GET does, without a body", () => {
  const headers = () => ({ authorization: `Bearer ${owner.accessToken}` });
  for (const path of [
    "/v1/auth/me",
    "/v1/users?limit=1",
    "/v1/users/0",
    "/health/live",
    "/openapi.json",
    "/nope",
  ]) {
    test(path, async () => {
      const [head, got] = await Promise.all([
        answer(path, { method: "HEAD", headers: headers() }),
        answer(path, { headers: headers() }),
      ]);
      expect(head.status).toBe(got.status);
      expect(head.headers.get("content-type")).toBe(got.headers.get("content-type"));
      expect(await head.text()).toBe("");
      // RFC 9110, section 8.6. The request ids in problems are equally long.
      const { byteLength } = await got.arrayBuffer();
      expect(head.headers.get("content-length")).toBe(String(byteLength));
    });
  }

  test("whatever the route: the same status, the same headers, and the length of the content", async () => {
    const gets = createApp(app.served, []).routes.filter(({ method }) => method === "GET");
    const all = new Set(gets.map(({ path }) => path.replace(/:\w+(\{.*\})?/g, "0")));
    expect(all.size).toBeGreaterThan(30);
    for (const path of all) {
      // What is made while it is read has no length. Personal data grow by being asked for: the row of the audit log.
      if (/\/(export|personal-data)$/.test(path)) continue;
      const got = await answer(path, { headers: headers() });
      const head = await answer(path, { method: "HEAD", headers: headers() });
      const told = (from: Headers) => [...from].filter(([name]) => !OF_ITSELF.includes(name));
      expect([path, head.status, told(head.headers)]).toEqual([
        path,
        got.status,
        told(got.headers),
      ]);
      const { byteLength } = await got.arrayBuffer();
      expect([path, head.headers.get("content-length")]).toEqual([path, String(byteLength)]);
    }
  });

  test("of an answer that is not sent anew there is no length", async () => {
    const path = `/v1/users/${owner.id}`;
    const etag = (await answer(path, { headers: headers() })).headers.get("etag") ?? "";
    const init = { method: "HEAD", headers: { ...headers(), "if-none-match": etag } };
    const head = await answer(path, init);
    expect([head.status, head.headers.get("content-length")]).toEqual([304, null]);
  });

  test("an export is not made for it, and nothing says that one was", async () => {
    const exports = async () =>
      await app.deps.db.auditLog.count({ where: { action: { endsWith: "exported" } } });
    const before = await exports();
    for (const path of ["/v1/users/export", "/v1/audit-logs/export"]) {
      const head = await answer(path, { method: "HEAD", headers: headers() });
      expect([head.status, head.headers.get("transfer-encoding")]).toEqual([200, "chunked"]);
      expect([head.headers.get("content-length"), await head.text()]).toEqual([null, ""]);
    }
    expect(await exports()).toBe(before);
  });

  test("where there is no GET it is a 405", async () => {
    const head = await answer("/v1/auth/login", { method: "HEAD" });
    expect([head.status, head.headers.get("allow"), await head.text()]).toEqual([405, "POST", ""]);
  });
});

describe("R57: a query string that is not what it should be is a 422 that names the parameter", () => {
  const cases = {
    "limit=0": "limit",
    "limit=101": "limit",
    "limit=ten": "limit",
    "limit=1.5": "limit",
    "limit=": "limit",
    "limit=1&limit=2": "limit",
    "limit=1&limit=1": "limit",
    "status=deleted": "status",
    "sort=passwordHash": "sort",
    "tenantId=1": "tenantId",
    "search=": "search",
    [`search=${"x".repeat(101)}`]: "search",
    "search=a%00b": "search",
    "search=a%0ab": "search",
    "cursor=x": "cursor",
    "page=1&cursor=x": "page",
    "isDeleted=true": "isDeleted",
    "tenant.id=1": "tenant.id",
    "limit[]=1": "limit[]",
    "__proto__=1": "__proto__",
    "__proto__=1&__proto__=2": "__proto__",
    "constructor=1": "constructor",
    "%00=1": "\0",
  };
  for (const [query, path] of Object.entries(cases)) {
    test(query.slice(0, 40), async () => {
      const answer = await get(`/v1/users?${query}`);
      expectProblem(answer, "validation_failed");
      expect(paths(answer)).toContain(path);
    });
  }

  for (const text of BAD_TEXT) {
    test(`${text} as a value and as a name`, async () => {
      expectProblem(await get(`/v1/users?search=${text}`), "validation_failed");
      expectProblem(await get(`/v1/audit-logs?${text}=1`), "validation_failed");
    });
  }

  test("characters that LIKE, SQL and patterns give a meaning to are but characters", async () => {
    for (const text of ["%", "_", "\\", "'", '"', "';--", "$1", "%' OR '1'='1"]) {
      const answer = await get(`/v1/users?search=${encodeURIComponent(text)}`);
      expect(answer.status).toBe(200);
      expect(answer.body.items.length).toBe(0);
    }
  });
});
