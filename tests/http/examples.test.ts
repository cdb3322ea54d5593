/** The examples of the OpenAPI document are taken by the API, and what it sends in its headers is in the document. */
import { beforeAll, expect, test } from "bun:test";
import { createSuperAdmin, PASSWORD, registerOwner, testApp } from "../support/app.ts";
import { type Document, resolve, routes, undocumented } from "./document.ts";

const app = testApp();
const counting = testApp({ RATE_LIMITS: "database" });
let document: Document;
beforeAll(async () => {
  document = (await app.call("GET /openapi.json")).body;
});

/** Whose example cannot be the answer to a challenge of now. */
const UNPROVED = ["POST /v1/auth/me/passkeys: validation_failed in response"];

/** Before or by validation: so it says nothing for the example, or something against it. */
const REFUSED =
  /^(validation_failed|malformed_body|not_authenticated|invalid_token|rate_limited)$|permission/;

test("every example of a body is one that the API takes, and every header of the answer is documented", async () => {
  const refused: string[] = [];
  let asked = 0;
  for (const route of routes(document)) {
    const { name, operation } = route;
    const schema = operation.requestBody?.content["application/json"]?.schema;
    if (!schema) continue;
    const [json] = resolve<{ examples?: unknown[] }>(document, schema).examples ?? [];
    const isPlatforms = /\/tenants(?!\/own)|\/impersonate|\/v1\/permissions/.test(name);
    // What is taken may end the session that asked.
    const asking = isPlatforms ? await createSuperAdmin(app) : await registerOwner(app);
    const token = operation.security?.length ? asking.accessToken : undefined;
    const answer = await app.call(name.replace(/\{\w+\}/g, crypto.randomUUID()), {
      json,
      ...(token !== undefined && { token }),
    });
    const { code, errors } = (answer.body || {}) as { code?: string; errors?: { path: string }[] };
    if (REFUSED.test(code ?? ""))
      refused.push(`${name}: ${code} in ${errors?.map(({ path }) => path).join()}`);
    expect(undocumented(document, route, answer)).toBeNull();
    asked += 1;
  }
  expect(refused).toEqual(UNPROVED);
  expect(asked).toBeGreaterThan(35);
});

test("a log-in tells of its limit and gives the cookie, as documented", async () => {
  const route = routes(document).find(({ name }) => name === "POST /v1/auth/login");
  if (!route) throw new Error("the document has no log-in");
  const { email } = await registerOwner(counting);
  for (const password of [PASSWORD, "wrong"]) {
    const answer = await counting.call(route.name, {
      json: { email, password },
      headers: { "tenantry-tokens": "cookie" },
    });
    expect(answer.status).toBe(password === PASSWORD ? 200 : 401);
    expect(answer.headers.has("ratelimit")).toBe(true);
    expect(answer.headers.has("set-cookie")).toBe(password === PASSWORD);
    expect(undocumented(document, route, answer)).toBeNull();
    answer.headers.set("x-new", "1");
    expect(undocumented(document, route, answer)).toContain("x-new");
  }
});
