/** Words that every object knows from its prototype, wherever a caller's word is taken: never a 500, never a success. */
import { beforeAll, describe, expect, test } from "bun:test";
import { type Route, routes } from "../http/document.ts";
import { type Account, registerOwner, testApp } from "../support/app.ts";
import { lines, NDJSON, sendImport } from "../users/imports.ts";

const WORDS = [
  "constructor",
  "__proto__",
  "prototype",
  "toString",
  "valueOf",
  "hasOwnProperty",
  "__defineGetter__",
];
const HEADERS = [
  ...["accept", "accept-encoding", "accept-language", "access-control-request-method", "cookie"],
  ...["content-encoding", "content-type", "idempotency-key", "if-match", "if-none-match", "origin"],
  ...["tenantry-device", "tenantry-tokens", "x-forwarded-for", "x-request-id", "user-agent"],
];

const app = testApp();
let all: Route[];
let owner: Account & { tenantId: string };
beforeAll(async () => {
  all = routes((await app.call("GET /openapi.json")).body);
  owner = await registerOwner(app);
});

const as = (account: Account, json?: unknown) => ({ token: account.accessToken, json });
const filled = (path: string, word: string) => path.replace(/\{\w+\}/g, word);
const NOBODY = "00000000-0000-7000-8000-00000000dead";

describe.each(WORDS)("R57: %s", (word) => {
  test("as a part of a path is nobody's id", async () => {
    for (const { method, path } of all.filter((route) => route.path.includes("{"))) {
      const { status } = await app.call(`${method} ${filled(path, word)}`, as(owner, {}));
      expect([method, path, isRefusal(status)]).toEqual([method, path, true]);
    }
  });

  test("as the name or the value of a query parameter is refused", async () => {
    const listing = all.filter(({ operation }) =>
      operation.parameters?.some((parameter) => parameter.in === "query"),
    );
    expect(listing.length).toBeGreaterThan(5);
    for (const { method, path, operation } of listing) {
      const target = `${method} ${filled(path, owner.id)}`;
      const call = (query: string) =>
        app.call(`${target}?${query}`, { token: owner.accessToken, headers: idempotent() });
      const named = await call(`${word}=1`);
      expect([target, isRefusal(named.status)]).toEqual([target, true]);
      for (const { name } of operation.parameters?.filter((one) => one.in === "query") ?? [])
        expect([target, name, (await call(`${name}=${word}`)).status < 500]).toEqual([
          target,
          name,
          true,
        ]);
    }
  });

  test("as a key of a body is an unknown field", async () => {
    const writing = all.filter(({ operation }) => operation.requestBody);
    for (const { method, path } of writing) {
      const answer = await app.call(`${method} ${filled(path, NOBODY)}`, {
        token: owner.accessToken,
        headers: { "content-type": "application/json", ...idempotent() },
        body: `{${JSON.stringify(word)}:1}`,
      });
      const { status } = answer;
      expect([method, path, isRefusal(status)]).toEqual([method, path, true]);
    }
  });

  test("in a header is at most no word of ours", async () => {
    for (const header of HEADERS) {
      for (const path of ["/v1/users", "/v1/users/export", "/v1/auth/me", "/health/ready"]) {
        const value = header === "cookie" ? `${word}=1; __Host-tenantry_refresh=${word}` : word;
        const options = { token: owner.accessToken, headers: { [header]: value } };
        const { status } = await app.call(`GET ${path}`, options);
        expect([header, path, status < 500]).toEqual([header, path, true]);
      }
    }
    const { status } = await app.call("GET /v1/auth/me", { token: word });
    expect(status).toBe(401);
  });

  test("as the media type of an import, or of any body, is a 415", async () => {
    for (const type of [word, `text/${word}`, `${word}/csv`, `${word}; charset=utf-8`]) {
      const answer = await sendImport(app, owner, "email\na@proto.example\n", { type });
      expect([type, answer.status]).toEqual([type, 415]);
      const headers = { "content-type": type };
      const login = await app.call("POST /v1/auth/login", { headers, body: "{}" });
      expect([type, login.status]).toEqual([type, 415]);
    }
  });

  test("as a column, a field or a role of an import imports nobody", async () => {
    const csv = await sendImport(app, owner, `email,${word}\n${word.length}@proto.example,x\n`);
    // A header line with that name is not understood, and then nothing is read.
    expect([csv.status, csv.body.code]).toEqual([422, "nothing_written"]);
    expect(csv.body.errors).toMatchObject([{ path: "1" }]);
    const records = lines(
      `{"email":"b@proto.example",${JSON.stringify(word)}:1}`,
      { email: "c@proto.example", roles: [word] },
      word,
    );
    const json = await sendImport(app, owner, records, { type: NDJSON });
    expect([json.status, json.body.created]).toEqual([200, 0]);
  });

  test("as an operation, a permission, a scope, a role or a setting is none", async () => {
    const settings = JSON.parse(`{${JSON.stringify(word)}:1}`);
    const tries: [string, unknown][] = [
      ["POST /v1/users/bulk", { operation: word, items: [{ id: owner.id }] }],
      ["POST /v1/users", { email: "d@proto.example", roles: [word] }],
      [`PUT /v1/users/${owner.id}/roles`, { roles: [word] }],
      ["POST /v1/roles", { name: "reader", permissions: [word] }],
      ["POST /v1/auth/check", { permissions: [word] }],
      ["POST /v1/api-keys", { name: "k", scopes: [word] }],
      ["POST /v1/invitations", { email: "e@proto.example", roles: [word] }],
      [`PATCH /v1/tenants/${owner.tenantId}`, { settings }],
      [`PATCH /v1/tenants/${owner.tenantId}`, { settings: { defaultRole: word } }],
    ];
    for (const [route, json] of tries) {
      const { status, body } = await app.call(route, as(owner, json));
      const granted = status === 200 && JSON.stringify(body).includes("true");
      expect([route, isRefusal(status), granted]).toEqual([route, true, false]);
    }
    const bulk = await app.call(
      "POST /v1/users/bulk",
      as(owner, { operation: "update", items: [{ id: owner.id, [`${word}`]: 1 }] }),
    );
    expect(bulk.body.succeeded ?? 0).toBe(0);
  });

  test("as the kind of a proof is none", async () => {
    const tries: [string, unknown][] = [
      ["POST /v1/auth/mfa/verify", { mfaToken: word, method: word, [word]: "1" }],
      ["POST /v1/auth/reauthenticate", { [word]: "1" }],
      ["POST /v1/auth/refresh", { refreshToken: word }],
      ["POST /v1/auth/magic-link/verify", { token: word }],
      ["POST /v1/auth/reset-password", { token: word, password: "correct horse battery staple" }],
      ["POST /v1/invitations/accept", { token: word, password: "correct horse battery staple" }],
    ];
    for (const [route, json] of tries) {
      const { status } = await app.call(route, as(owner, json));
      expect([route, isRefusal(status)]).toEqual([route, true]);
    }
  });
});

test("R57: what a client keeps with us comes back under any name, but for __proto__", async () => {
  const custom = { constructor: 1, toString: "x", valueOf: [1], hasOwnProperty: { prototype: 2 } };
  const route = `PATCH /v1/tenants/${owner.tenantId}`;
  const { status, body } = await app.call(route, as(owner, { settings: { custom } }));
  expect([status, body.settings.custom]).toEqual([200, custom]);
  const { body: read } = await app.call("GET /v1/tenants/current", as(owner));
  expect(read.settings.custom).toEqual(custom);
  const sent = await app.call(route, {
    token: owner.accessToken,
    headers: { "content-type": "application/json" },
    body: '{"settings":{"custom":{"__proto__":{"admin":true}}}}',
  });
  expect([sent.status, sent.body.code]).toEqual([400, "malformed_body"]);
});

function isRefusal(status: number): boolean {
  return status >= 400 && status < 500;
}

function idempotent(): Record<string, string> {
  return { "idempotency-key": crypto.randomUUID() };
}
