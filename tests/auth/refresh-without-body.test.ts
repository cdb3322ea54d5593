/** A refresh of a page whose token travels in the cookie: the page has nothing to say, and sends no body. */
import { beforeAll, expect, test } from "bun:test";
import { expectProblem } from "../http/problem.ts";
import { type Account, PASSWORD, registerOwner, testApp } from "../support/app.ts";

const MODE = { "tenantry-tokens": "cookie" };
const app = testApp();
let owner: Account;
beforeAll(async () => {
  owner = await registerOwner(app);
});

test.each<[name: string, headers: Record<string, string>]>([
  ["no Content-Type", {}],
  ["Content-Length: 0", { "content-length": "0" }],
  [
    "the Content-Type of a library that always sends it",
    { "content-type": "application/json", "content-length": "0" },
  ],
  ["another Content-Type", { "content-type": "application/x-www-form-urlencoded" }],
])("is answered with %s", async (_name, headers) => {
  const json = { email: owner.email, password: PASSWORD };
  const loggedIn = await app.call("POST /v1/auth/login", { json, headers: MODE });
  const [cookie = ""] = loggedIn.headers.getSetCookie()[0]?.split(";") ?? [];
  const answer = await app.call("POST /v1/auth/refresh", {
    headers: { ...MODE, ...headers, cookie },
  });
  expect(answer.status).toBe(200);
  expect(answer.headers.getSetCookie()[0]).toStartWith("__Host-tenantry_refresh=");
});

test("is answered when the body comes in chunks, of which there are none; of another type none is read", async () => {
  const json = { email: owner.email, password: PASSWORD };
  const loggedIn = await app.call("POST /v1/auth/login", { json, headers: MODE });
  const [cookie = ""] = loggedIn.headers.getSetCookie()[0]?.split(";") ?? [];
  const send = (route: string, ...chunks: string[]) =>
    app.call(route, {
      headers: { ...MODE, cookie },
      body: new ReadableStream({
        start(controller) {
          for (const chunk of chunks) controller.enqueue(Buffer.from(chunk));
          controller.close();
        },
      }),
    });
  expectProblem(await send("POST /v1/auth/refresh", "{}"), "unsupported_media_type");
  expect((await send("POST /v1/auth/refresh")).status).toBe(200);
  expect((await send("POST /v1/auth/logout")).status).toBe(204);
});

test("is told what is missing without a cookie, and a dead cookie is taken back", async () => {
  expectProblem(await app.call("POST /v1/auth/refresh"), "invalid_refresh_token");
  const headers = { ...MODE, cookie: "__Host-tenantry_refresh=dead" };
  const answer = await app.call("POST /v1/auth/refresh", { headers });
  expectProblem(answer, "invalid_refresh_token");
  expect(answer.headers.getSetCookie()[0]).toContain("Max-Age=0");
});
