/** R73: small bodies from whom nobody knows, and no header, query or path that costs more than its length. */
import { beforeAll, expect, test } from "bun:test";
import { ANONYMOUS_BODY_BYTES } from "../../src/http/body.ts";
import { type Account, registerOwner, testApp } from "../support/app.ts";
import { assertLinear, hostileTexts, millisOf, SIZE } from "./hostile.ts";

const app = testApp({ TRUSTED_PROXY_HOPS: "1" });
let owner: Account;
beforeAll(async () => {
  owner = await registerOwner(app);
});

/** The operations that need no token, and take a body. */
async function anonymousOperations(): Promise<string[]> {
  const { body } = await app.call("GET /openapi.json");
  return Object.entries<Record<string, { security?: object[]; requestBody?: unknown }>>(
    body.paths,
  ).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, operation]) => !operation.security?.length && operation.requestBody)
      .map(([method]) => `${method.toUpperCase()} ${path}`),
  );
}

test("R73: whom nobody knows yet may send 16 KiB: 413 for more, announced or not, and before anything is looked at", async () => {
  const routes = await anonymousOperations();
  expect(routes.length).toBeGreaterThan(13);
  for (const route of routes) {
    const email = `a@${"a.".repeat(122 * 1024)}`;
    expect([route, (await app.call(route, { json: { email, password: "x" } })).status]).toEqual([
      route,
      413,
    ]);
    let sent = 0;
    const endless = new ReadableStream({
      pull(controller) {
        sent += 1024;
        controller.enqueue(new TextEncoder().encode(" ".repeat(1024)));
      },
    });
    const answer = await app.call(route, {
      body: endless,
      headers: { "content-type": "application/json" },
    });
    expect([route, answer.status, answer.body.code]).toEqual([route, 413, "body_too_large"]);
    expect(sent).toBeLessThan(2 * ANONYMOUS_BODY_BYTES);
  }
});

test("R73: an anonymous body of just that size costs next to nothing, whatever it holds", async () => {
  const room = ANONYMOUS_BODY_BYTES - 300;
  const login = "POST /v1/auth/login";
  const bodies = [
    ...hostileTexts(room / 4).map((text) =>
      JSON.stringify({ email: text, password: text, tenant: text }),
    ),
    `{"email":${"[".repeat(room / 2)}${"]".repeat(room / 2)}}`,
    `[${"{},".repeat(room / 3)}{}]`,
    `{${Array.from({ length: room / 11 }, (_, n) => `"${n}":1`).join()}}`,
  ];
  for (const body of bodies) {
    const run = async () => {
      const answer = await app.call(login, {
        body,
        headers: { "content-type": "application/json" },
      });
      expect([400, 413, 422]).toContain(answer.status);
    };
    expect(await millisOf(run, 10)).toBeLessThan(40);
  }
});

test("R73: who is known may send more, and the largest answer of a browser fits without being known", async () => {
  const json = { email: "padded@members.example", firstName: "Pad" };
  const body = JSON.stringify(json) + " ".repeat(2 * ANONYMOUS_BODY_BYTES);
  const headers = { "content-type": "application/json" };
  expect(
    (await app.call("POST /v1/users", { token: owner.accessToken, body, headers })).status,
  ).toBe(201);
  const text = (length: number) => "A".repeat(length);
  const response = {
    clientDataJSON: text(4096),
    authenticatorData: text(2048),
    signature: text(4096),
    userHandle: text(86),
  };
  const passkey = { id: text(1364), rawId: text(1364), type: "public-key", response };
  expect(
    (await app.call("POST /v1/auth/passkey/login", { json: { response: passkey } })).status,
  ).toBeOneOf([401, 422]);
});

test("R73: no header takes longer than in proportion to it", async () => {
  const { accessToken: token, id } = owner;
  const json = { firstName: "Ada" };
  const requests: [string, (text: string) => Promise<unknown>][] = [
    [
      "authorization",
      (text) => app.call("GET /v1/auth/me", { headers: { authorization: `Bearer ${text}` } }),
    ],
    ...[
      "user-agent",
      "accept-language",
      "tenantry-device",
      "tenantry-device-token",
      "x-forwarded-for",
      "x-request-id",
      "origin",
      "cookie",
    ].map((name): [string, (text: string) => Promise<unknown>] => [
      name,
      (text) =>
        app.call("POST /v1/auth/refresh", {
          json: {},
          headers: {
            "tenantry-tokens": "cookie",
            [name]: name === "cookie" ? `__Host-tenantry_refresh${text}` : text,
          },
        }),
    ]),
    [
      "content-type",
      (text) =>
        app.call("POST /v1/auth/login", {
          body: "{}",
          headers: { "content-type": `application/json${text}` },
        }),
    ],
    [
      "import's content-type",
      (text) =>
        app.call("POST /v1/users/import", {
          token,
          body: "",
          headers: { "content-type": `text/csv${text}`, "idempotency-key": "once-for-all" },
        }),
    ],
    [
      "idempotency-key",
      (text) =>
        app.call("POST /v1/users", { token, json, headers: { "idempotency-key": `"${text}"` } }),
    ],
    [
      "if-match",
      (text) =>
        app.call(`PATCH /v1/users/${id}`, {
          token,
          json,
          headers: { "if-match": `"9",${text}` },
        }),
    ],
    [
      "if-none-match",
      (text) =>
        app.call(`GET /v1/users/${id}`, { token, headers: { "if-none-match": `"9",${text}` } }),
    ],
  ];
  const printable = (size: number) =>
    [...hostileTexts(size), ",".repeat(size), '"a",'.repeat(size / 4)].map((text) =>
      text.replace(/[^\x20-\x7e]/g, "~"),
    );
  const texts = new Map([SIZE, SIZE / 8].map((size) => [size, printable(size)]));
  for (const [name, send] of requests)
    for (const at of printable(8).keys())
      await assertLinear(
        `${name}, text ${at}`,
        (size) => () => send(texts.get(size)?.[at] ?? ""),
        60,
      );
}, 120_000);

test("R73: nor do paths, queries and any number of parameters, headers and cookies", async () => {
  const { accessToken: token } = owner;
  const many = (size: number, make: (n: number) => string) =>
    Array.from({ length: size / 8 }, (_, n) => make(n)).join("");
  const requests: Record<string, (size: number) => Promise<unknown>> = {
    "parameters with values": (size) =>
      app.call(`GET /v1/users?${many(size, (n) => `&p${n}=1`)}`, { token }),
    "parameters without": (size) =>
      app.call(`GET /v1/users?${many(size, (n) => `&p${n}`)}`, { token }),
    "one parameter": (size) => app.call(`GET /v1/users?${"limit=1&".repeat(size / 8)}`, { token }),
    "bad encoding": (size) => app.call(`GET /v1/users?search=${"%FF".repeat(size / 3)}`, { token }),
    slashes: (size) => app.call(`GET ${"/".repeat(size)}`, { token }),
    "path segments": (size) => app.call(`GET /v1/users${"/a".repeat(size / 2)}`, { token }),
    "bad paths": (size) => app.call(`GET /v1/${"%C3%28".repeat(size / 6)}`, { token }),
    cookies: (size) =>
      app.call("POST /v1/auth/refresh", {
        json: {},
        headers: { "tenantry-tokens": "cookie", cookie: many(size, (n) => `c${n}=1; `) },
      }),
  };
  for (const [name, send] of Object.entries(requests))
    await assertLinear(name, (size) => () => send(size), 40);
  const nowhere = await app.call(`GET ${"/a".repeat(SIZE / 2)}`);
  expect([nowhere.status, nowhere.body.detail.length < 600]).toEqual([404, true]);
  const { status } = await app.call(`GET /v1/users?limit=20${"&".repeat(9000)}`, { token });
  expect(status).toBe(422);
});

test("R73: a line in pieces of one byte is read once", async () => {
  const { accessToken: token } = owner;
  const read = (size: number) => async () => {
    const line = new TextEncoder().encode(JSON.stringify({ email: "a".repeat(size) }));
    const body = new ReadableStream({
      start(controller) {
        for (const byte of line) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    const headers = {
      "content-type": "application/x-ndjson",
      "idempotency-key": crypto.randomUUID(),
    };
    const answer = await app.call("POST /v1/users/import?dryRun=true", { token, body, headers });
    expect(answer.status).toBe(200);
  };
  const [all, part] = [await millisOf(read(60_000)), await millisOf(read(7500))];
  // Eight times the bytes. Looked through at every piece, they took twenty times as long.
  expect(all).toBeLessThan(13 * part);
});
