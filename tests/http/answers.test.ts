/** A tour of every operation: each answer is one that the OpenAPI document promises. */
import { beforeAll, expect, test } from "bun:test";
import {
  type Account,
  type Answer,
  type CallOptions,
  createSuperAdmin,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { type Document, type Route, routes, undocumented } from "./document.ts";
import { TOURS } from "./every-tour.ts";

const app = testApp();
let document: Document;
let owner: Account & { tenantId: string };
let root: Account;
const seen = new Map<string, Set<number>>();
beforeAll(async () => {
  document = (await app.call("GET /openapi.json")).body;
  owner = await registerOwner(app);
  root = await createSuperAdmin(app);
});

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

for (const [name, tour] of Object.entries(TOURS)) {
  test(`a tour of ${name}`, () => tour({ app, call, owner, root }));
}

test("the answers that every operation with a body gives", async () => {
  for (const { name, operation } of routes(document).filter(
    // What takes another body than JSON has its tests of its own.
    ({ operation }) => operation.requestBody?.content["application/json"],
  )) {
    const address = name.replace(/\{\w+\}/g, crypto.randomUUID());
    const token = /\/tenants(?!\/own)|\/impersonate|\/permissions/.test(name)
      ? root.accessToken
      : owner.accessToken;
    const type = { "content-type": "application/json" };
    await call(400, address, { token, body: "{", headers: type });
    await call(413, address, {
      token,
      body: "{}",
      headers: { ...type, "content-length": "99999999" },
    });
    await call(415, address, { token, body: "{}", headers: { "content-type": "text/plain" } });
    await call(422, address, { token, json: { "": 1 } });
    if (operation.security?.length) await call(401, address, { json: {} });
  }
});

test("no operation was left out", () => {
  for (const { name, operation } of routes(document)) {
    const successes = Object.keys(operation.responses).filter((status) => status.startsWith("2"));
    const toured = successes.filter((status) => seen.get(name)?.has(Number(status)));
    expect([name, toured]).toEqual([name, successes]);
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
