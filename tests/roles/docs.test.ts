/** The helper of docs/authorization.md, as it stands there, against the real server. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Server, startServer } from "../server/start.ts";
import { PASSWORD } from "../support/app.ts";

type Answered = { accessToken: string; key: string };
type Check = (token: string, permissions: string[]) => Promise<object | null>;

const docs = readFileSync(join(import.meta.dir, "..", "..", "docs", "authorization.md"), "utf8");
const folder = mkdtempSync(join(tmpdir(), "tenantry-docs-"));
let server: Server;
let check: Check;
beforeAll(async () => {
  server = await startServer();
  const source = /```ts\n([\s\S]+?)```/.exec(docs)?.[1] ?? "";
  const file = join(folder, "check.ts");
  writeFileSync(file, source.replace("https://id.example.com", server.url));
  ({ check } = (await import(file)) as { check: Check });
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

async function post(path: string, json: object, token?: string): Promise<Answered> {
  const response = await fetch(`${server.url}${path}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(json),
  });
  return response.status === 204
    ? { accessToken: "", key: "" }
    : ((await response.json()) as Answered);
}

test("it answers what the page says that it answers", async () => {
  const email = "member@docs.example";
  const registered = { email: "owner@docs.example", password: PASSWORD };
  const tenant = { name: "Acme", slug: "acme" };
  const { accessToken: owner } = await post("/v1/auth/register", { ...registered, tenant });
  await post("/v1/users", { email, password: PASSWORD }, owner);
  const logIn = async () =>
    (await post("/v1/auth/login", { email, password: PASSWORD })).accessToken;
  const [member, loggedOut] = [await logIn(), await logIn()];
  await post("/v1/auth/logout", {}, loggedOut);
  const { key } = await post("/v1/api-keys", { name: "x", scopes: ["user:read"] }, owner);

  const tokens: Record<string, string> = { member, owner, apiKey: key, loggedOut };
  const lines = [...docs.matchAll(/^await check\((\w+), (\[.+?\])\) +(.+)$/gm)];
  expect(lines).toHaveLength(5);
  for (const [line, who = "", permissions = "[]", answer] of lines) {
    const verdict = await check(tokens[who] ?? "", JSON.parse(permissions));
    expect([line, flat(Bun.inspect(verdict))]).toEqual([line, flat(String(answer))]);
  }
});

test("it asks once for the same, and again when it failed", async () => {
  const gone = await check("not-a-token", ["user:read"]);
  expect(gone).toBeNull();
  expect(check("x", ["user:read"])).toBe(check("x", ["user:read"]));
  const { accessToken } = await post("/v1/auth/register", {
    email: "owner@again.example",
    password: PASSWORD,
    tenant: { name: "Again", slug: "again" },
  });
  const first = check(accessToken, ["no:permission"]);
  await expect(first).rejects.toThrow("Tenantry answered 422");
  const second = check(accessToken, ["no:permission"]);
  expect(second).not.toBe(first);
  await expect(second).rejects.toThrow("Tenantry answered 422");
});

/** However many lines it was written on. */
function flat(text: string): string {
  return text.replace(/[,\s]+/g, " ");
}
