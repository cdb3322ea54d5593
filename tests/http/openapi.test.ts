import { beforeAll, describe, expect, test } from "bun:test";
import { createApp } from "../../src/app.ts";
import { testApp } from "../support/app.ts";
import { type Document, type Route, resolve, routes } from "./document.ts";

const app = testApp({ ISSUER: "https://id.example.com" });
let document: Document;
let all: Route[];
beforeAll(async () => {
  document = (await app.call("GET /openapi.json")).body;
  all = routes(document);
});

test("it is OpenAPI 3.1, served as JSON, and names the server by its issuer", async () => {
  const { status, headers } = await app.call("GET /openapi.json");
  expect([status, headers.get("content-type")]).toEqual([200, "application/json"]);
  expect(document.openapi).toBe("3.1.0");
  expect(document.info).toMatchObject({ title: "Tenantry", version: expect.any(String) });
  expect(document.servers).toEqual([{ url: "https://id.example.com" }]);
});

test("it names every route under /v1 and no other", () => {
  const mounted = createApp(app.deps, [])
    .routes.filter(({ path, method }) => path.startsWith("/v1/") && method !== "ALL")
    .map(({ path, method }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`);
  expect(all.map((route) => route.name).sort()).toEqual([...new Set(mounted)].sort());
  expect(all.length).toBeGreaterThan(20);
});

test("it begins with what a reader does first: to register, and to log in", () => {
  const auth = all.filter(({ operation }) => operation.tags.includes("Auth"));
  expect(auth.slice(0, 2).map(({ name }) => name)).toEqual([
    "POST /v1/auth/register",
    "POST /v1/auth/login",
  ]);
});

test("no description holds what Markdown takes for a tag, and shows nothing of", () => {
  const texts = [...JSON.stringify(document).matchAll(/"description":("(?:[^"\\]|\\.)*")/g)];
  const shown = texts.map(([, text = ""]) => String(JSON.parse(text)).replace(/`[^`]*`/g, ""));
  expect(shown.filter((text) => /(?<!\\)<[a-z/][\w-]*\/?>/i.test(text))).toEqual([]);
});

test("every reference leads somewhere, and every component is referred to", () => {
  const text = JSON.stringify(document);
  const references = new Set([...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref = ""]) => ref));
  for (const $ref of references)
    expect([$ref, resolve(document, { $ref })]).toEqual([$ref, expect.any(Object)]);
  const { schemas, responses, headers } = document.components;
  const components = [
    ...Object.keys(schemas).map((name) => `#/components/schemas/${name}`),
    ...Object.keys(responses).map((name) => `#/components/responses/${name}`),
    ...Object.keys(headers).map((name) => `#/components/headers/${name}`),
  ];
  expect([...references].sort()).toEqual(components.sort());
});

describe("every operation", () => {
  test("has an id of its own, one tag and a summary", () => {
    const ids = all.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { operation } of all) {
      expect(operation.operationId).toMatch(/^[a-z][A-Za-z0-9]+$/);
      expect(operation.summary.length).toBeGreaterThan(5);
      expect(operation.tags).toHaveLength(1);
    }
  });

  test("asks for an access token, but for those on the way to one", () => {
    const open = all
      .filter(({ operation }) => !operation.security?.length)
      .map((route) => route.name);
    expect(open.sort()).toEqual([
      "POST /v1/auth/email/verify",
      "POST /v1/auth/forgot-password",
      "POST /v1/auth/login",
      "POST /v1/auth/magic-link",
      "POST /v1/auth/magic-link/verify",
      "POST /v1/auth/mfa/passkey-options",
      "POST /v1/auth/mfa/verify",
      "POST /v1/auth/passkey/login",
      "POST /v1/auth/passkey/options",
      "POST /v1/auth/refresh",
      "POST /v1/auth/register",
      "POST /v1/auth/register/complete",
      "POST /v1/auth/reset-password",
      "POST /v1/auth/restore-account",
      "POST /v1/auth/select-tenant",
      "POST /v1/auth/unlock",
      "POST /v1/invitations/accept",
      "POST /v1/invitations/inspect",
      "POST /v1/platform/bootstrap",
    ]);
    for (const { name, operation } of all) {
      if (open.includes(name)) {
        // Said, and not left to be guessed: linters take silence for an oversight.
        expect([name, operation.security]).toEqual([name, []]);
        continue;
      }
      expect([name, operation.security]).toEqual([name, [{ bearer: [] }]]);
      expect([name, Object.keys(operation.responses)]).toEqual([
        name,
        expect.arrayContaining(["401"]),
      ]);
    }
    expect(document.components.securitySchemes.bearer).toMatchObject({
      type: "http",
      scheme: "bearer",
    });
  });

  test("describes each parameter of its path", () => {
    for (const { path, operation } of all) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const described = (operation.parameters ?? []).filter((parameter) => parameter.in === "path");
      expect(described.map((parameter) => parameter.name)).toEqual(named as string[]);
      for (const parameter of described) expect(parameter.required).toBe(true);
    }
  });

  test("requires its body when it has one, as JSON, and tells what a bad one gets", () => {
    for (const { name, method, operation } of all) {
      const statuses = Object.keys(operation.responses);
      for (const status of ["400", "413", "415"]) {
        expect([operation.operationId, status, statuses.includes(status)]).toEqual([
          operation.operationId,
          status,
          operation.requestBody !== undefined,
        ]);
      }
      if (!operation.requestBody) continue;
      expect(["POST", "PUT", "PATCH"]).toContain(method);
      expect(statuses).toContain("422");
      // A log-out with an access token needs none, nor does a refresh by the cookie.
      expect([name, operation.requestBody.required]).toEqual([
        name,
        !/ .v1.auth.(logout|refresh)$/.test(name),
      ]);
      const types = name.endsWith("/users/import")
        ? ["text/csv", "application/x-ndjson"]
        : ["application/json"];
      expect(Object.keys(operation.requestBody.content)).toEqual(types);
    }
  });

  test("has one success, and answers every failure with a problem", () => {
    for (const { name, operation } of all) {
      const entries = Object.entries(operation.responses);
      const successes = entries.filter(([status]) => status.startsWith("2"));
      // With EMAIL_VERIFICATION=required a registration is only begun.
      expect([name, successes.length]).toEqual([name, name === "POST /v1/auth/register" ? 2 : 1]);
      expect(Object.keys(operation.responses)).toContain("503");
      for (const [status, response] of entries) {
        const { description, content } = resolve(document, response);
        expect(description.length).toBeGreaterThan(3);
        const types = Object.keys(content ?? {});
        // What is under way may have nothing to say yet.
        if (["204", "304"].includes(status) || (status === "202" && !content))
          expect(types).toEqual([]);
        else if (status === "200" && name.endsWith("/export"))
          expect(types.sort()).toEqual(["application/x-ndjson", "text/csv"]);
        else if (status.startsWith("2")) expect(types).toEqual(["application/json"]);
        else
          expect(content).toEqual({
            "application/problem+json": {
              schema: { $ref: "#/components/schemas/Problem" },
              example: expect.objectContaining({ status: Number(status) }),
            },
          });
      }
    }
  });
});
