/** A tour of every operation: each answer is one that the OpenAPI document promises. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  type Account,
  type Answer,
  type CallOptions,
  createSuperAdmin,
  createTestApp,
  PASSWORD,
  registerOwner,
  type TestApp,
} from "../support/app.ts";
import { type Document, type Route, routes, undocumented } from "./document.ts";

let app: TestApp;
let document: Document;
let owner: Account & { tenantId: string };
let root: Account;
const seen = new Map<string, Set<number>>();
beforeAll(async () => {
  app = await createTestApp();
  document = (await app.call("GET /openapi.json")).body;
  owner = await registerOwner(app);
  root = await createSuperAdmin(app);
});
afterAll(() => app.close());

/** Calls as `app.call` does, expects the status, and holds the answer against the document. */
async function call(
  status: number,
  name: string,
  options: CallOptions = {},
): Promise<Answer["body"]> {
  const [method = "", address = ""] = name.split(" ");
  const route = find(method, address.split("?")[0] ?? "");
  const answer = await app.call(name, options);
  expect([name, answer.status, answer.body]).toEqual([name, status, answer.body]);
  expect(undocumented(document, route, answer)).toBeNull();
  seen.set(route.name, (seen.get(route.name) ?? new Set()).add(answer.status));
  return answer.body;
}

function find(method: string, path: string): Route {
  const matches = (route: Route) =>
    route.method === method &&
    new RegExp(`^${route.path.replace(/\{\w+\}/g, "[^/]+")}$`).test(path);
  // The fewer parameters, the better the match: /v1/tenants/current before /v1/tenants/{id}.
  const found = routes(document)
    .filter(matches)
    .sort((a, b) => (a.path.match(/\{/g)?.length ?? 0) - (b.path.match(/\{/g)?.length ?? 0));
  if (!found[0]) throw new Error(`the document has no ${method} ${path}`);
  return found[0];
}

test("logging in and what belongs to oneself", async () => {
  const tenant = { name: "Tour", slug: "tour" };
  const json = { email: "owner@tour.example", password: PASSWORD, firstName: "Ada", tenant };
  const { accessToken: token, refreshToken } = (await call(201, "POST /v1/auth/register", {
    json,
  })) as Record<string, string>;
  await call(409, "POST /v1/auth/register", { json });
  await call(422, "POST /v1/auth/register", { json: {} });
  await call(401, "POST /v1/auth/login", { json: { email: json.email, password: "wrong" } });
  await call(200, "POST /v1/auth/login", { json: { email: json.email, password: PASSWORD } });
  await call(200, "POST /v1/auth/refresh", { json: { refreshToken } });
  await call(401, "POST /v1/auth/refresh", { json: { refreshToken: "x" } });
  await call(200, "GET /v1/auth/me", { token });
  await call(401, "GET /v1/auth/me");
  await call(200, "GET /v1/auth/me/profile", { token });
  const profile = {
    phone: "+4930123456",
    preferences: { theme: { dark: [true, null, 1.5, "x"] } },
  };
  await call(200, "PATCH /v1/auth/me/profile", { token, json: profile });
  const sessions = await call(200, "GET /v1/auth/sessions?limit=1", { token });
  await call(200, `GET /v1/auth/sessions?cursor=${sessions.nextCursor}`, { token });
  await call(404, "DELETE /v1/auth/sessions/x", { token });
  await call(204, `DELETE /v1/auth/sessions/${(sessions.items as { id: string }[])[0]?.id}`, {
    token,
  });
  const change = { currentPassword: PASSWORD, newPassword: `${PASSWORD}!` };
  await call(422, "POST /v1/auth/change-password", {
    token,
    json: { ...change, currentPassword: "x" },
  });
  await call(204, "POST /v1/auth/change-password", { token, json: change });
  await call(204, "POST /v1/auth/logout", { token });
  await call(401, "POST /v1/auth/logout", { token });
  await call(204, "POST /v1/auth/logout-all", { token: (await registerOwner(app)).accessToken });
});

test("users and their profiles", async () => {
  const token = owner.accessToken;
  const json = { email: "member@tour.example", password: PASSWORD, lastName: "Byron" };
  const { id } = await call(201, "POST /v1/users", { token, json });
  await call(409, "POST /v1/users", { token, json });
  await call(403, "POST /v1/users", {
    token,
    json: { email: "x@tour.example", tenantId: crypto.randomUUID() },
  });
  await call(200, "GET /v1/users?limit=1", { token });
  await call(200, "GET /v1/users?page=1&search=byron&sort=lastName", { token });
  await call(422, "GET /v1/users?limit=x", { token });
  await call(200, `GET /v1/users/${id}`, { token });
  await call(404, "GET /v1/users/0", { token });
  await call(200, `PATCH /v1/users/${id}`, {
    token,
    json: { status: "disabled", roles: ["auditor"] },
  });
  await call(409, `PATCH /v1/users/${owner.id}`, { token, json: { roles: ["member"] } });
  await call(200, `GET /v1/users/${id}/profile`, { token });
  await call(200, `PATCH /v1/users/${id}/profile`, { token, json: { language: "pt-BR" } });
  await call(204, `DELETE /v1/users/${id}`, { token });
  await call(409, `DELETE /v1/users/${owner.id}`, { token });
  await call(200, "GET /v1/users?deleted=true", { token });
  await call(200, `POST /v1/users/${id}/restore`, { token });
  await call(404, `POST /v1/users/${id}/restore`, { token });
});

test("tenants and the audit log", async () => {
  const { accessToken: token } = root;
  const json = { name: "Made", slug: "made", settings: { plan: "gold" } };
  const { id } = await call(201, "POST /v1/tenants", { token, json });
  await call(409, "POST /v1/tenants", { token, json });
  await call(403, "POST /v1/tenants", { token: owner.accessToken, json });
  await call(200, "GET /v1/tenants?limit=1&search=ma", { token });
  await call(200, "GET /v1/tenants/current", { token: owner.accessToken });
  await call(404, "GET /v1/tenants/current", { token });
  await call(200, `GET /v1/tenants/${id}`, { token });
  await call(404, `GET /v1/tenants/${id}`, { token: owner.accessToken });
  await call(200, `PATCH /v1/tenants/${id}`, { token, json: { name: "Renamed" } });
  await call(200, `POST /v1/tenants/${id}/suspend`, { token });
  await call(200, `POST /v1/tenants/${id}/activate`, { token });
  await call(204, `DELETE /v1/tenants/${id}`, { token });
  await call(200, "GET /v1/audit-logs?limit=100", { token });
  await call(200, "GET /v1/audit-logs?outcome=failure", { token: owner.accessToken });
  await call(422, "GET /v1/audit-logs?from=yesterday", { token });
});

test("the answers that every operation with a body gives", async () => {
  for (const { name, operation } of routes(document).filter(
    ({ operation }) => operation.requestBody,
  )) {
    const address = name.replace(/\{\w+\}/g, crypto.randomUUID());
    const token = name.includes("/tenants") ? root.accessToken : owner.accessToken;
    const type = { "content-type": "application/json" };
    await call(400, address, { token, body: "{", headers: type });
    await call(413, address, {
      token,
      body: "{}",
      headers: { ...type, "content-length": "99999999" },
    });
    await call(415, address, { token, body: "{}", headers: { "content-type": "text/plain" } });
    await call(422, address, { token, json: { "": 1 } });
    if (operation.security) await call(401, address, { json: {} });
  }
});

test("no operation was left out", () => {
  for (const { name, operation } of routes(document)) {
    const success = Object.keys(operation.responses).find((status) => status.startsWith("2"));
    expect([name, seen.get(name)?.has(Number(success))]).toEqual([name, true]);
  }
});

test("the comparison itself sees what differs", async () => {
  const route = find("GET", "/v1/auth/me");
  const answer = await app.call("GET /v1/auth/me", { token: owner.accessToken });
  const { roles, ...rest } = answer.body;
  const differ = (change: Partial<Answer>) =>
    undocumented(document, route, { ...answer, ...change });
  expect(differ({})).toBeNull();
  expect(differ({ body: { ...answer.body, passwordHash: "x" } })).toContain("passwordHash");
  expect(differ({ body: { ...answer.body, user: { ...answer.body.user, secret: 1 } } })).toContain(
    "secret",
  );
  expect(differ({ body: rest })).toContain("roles");
  expect(differ({ body: { ...rest, roles: [1] } })).toContain("roles");
  expect(differ({ status: 418 })).toContain("418");
  expect(differ({ headers: new Headers({ "content-type": "text/html" }) })).toContain("text/html");
});
