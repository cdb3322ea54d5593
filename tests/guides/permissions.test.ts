/** docs/guides/permissions.md: its helper, as it stands there, against the real server. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { declareAll } from "../../src/roles/declare-all.ts";
import { readPermissionsFile } from "../../src/roles/permissions-file.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  logIn,
  registerOwner,
} from "../support/app.ts";
import { type Guides, openGuides, readGuide } from "./guide.ts";
import { type Served, serve } from "./serve.ts";

type Check = (token: string, permissions: string[]) => Promise<object | null>;

const GUIDE = readGuide("permissions.md");

let served: Served;
let guides: Guides;
let check: Check;
let owner: Account;
let accountant: Account;
beforeAll(async () => {
  served = await serve();
  guides = openGuides(served.url);
  ({ check } = await guides.load<{ check: Check }>("check.ts"));
  owner = await registerOwner(served.app);
  await declareAll(served.app.served, readPermissionsFile(writeExample()));
  const json = bodyOf("POST /v1/roles", /accountant/);
  const made = await served.app.call("POST /v1/roles", { token: owner.accessToken, json });
  expect([made.status, made.body.permissions]).toEqual([201, json.permissions.toSorted()]);
  accountant = await createMember(served.app, owner, ["member", json.name]);
});
afterAll(async () => {
  guides.remove();
  await served.stop();
});

test("it answers what the page says that it answers", async () => {
  const { app } = served;
  const member = await createMember(app, owner);
  const loggedOut = await logIn(app, member.email);
  await app.call("POST /v1/auth/logout", { token: loggedOut.accessToken });
  const { body } = await app.call("POST /v1/api-keys", {
    token: owner.accessToken,
    json: { name: "x", scopes: ["user:read"] },
  });
  const tokens: Record<string, string> = {
    member: member.accessToken,
    owner: owner.accessToken,
    apiKey: body.key,
    loggedOut: loggedOut.accessToken,
    accountant: accountant.accessToken,
  };
  const lines = [...GUIDE.matchAll(/^await check\((\w+), (\[.+?\])\) +(.+)$/gm)];
  expect(lines).toHaveLength(7);
  for (const [line, who = "", permissions = "[]", answer] of lines) {
    const verdict = await check(tokens[who] ?? "", JSON.parse(permissions));
    expect([line, flat(Bun.inspect(verdict))]).toEqual([line, flat(String(answer))]);
  }
});

test("it asks once for the same, and again when it failed", async () => {
  const gone = await check("not-a-token", ["user:read"]);
  expect(gone).toBeNull();
  expect(check("x", ["user:read"])).toBe(check("x", ["user:read"]));
  const first = check(owner.accessToken, ["no:permission"]);
  await expect(first).rejects.toThrow("Tenantry answered 422");
  const second = check(owner.accessToken, ["no:permission"]);
  expect(second).not.toBe(first);
  await expect(second).rejects.toThrow("Tenantry answered 422");
});

test("the roles and permissions of the page can be made, and no permission of two parts", async () => {
  const token = owner.accessToken;
  const json = bodyOf("POST /v1/roles", /helpdesk/);
  const made = await served.app.call("POST /v1/roles", { token, json });
  expect([made.status, made.body.name]).toEqual([201, "helpdesk"]);
  const root = await createSuperAdmin(served.app);
  const declared = await served.app.call("POST /v1/permissions", {
    token: root.accessToken,
    json: bodyOf("POST /v1/permissions", /acme/),
  });
  expect(declared.status).toBe(201);
  const permissions = ["invoice:approve"];
  const answers = await Promise.all([
    served.app.call("POST /v1/roles", { token, json: { name: "approver", permissions } }),
    served.app.call("POST /v1/auth/check", { token, json: { permissions } }),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([422, 422]);
});

test("the application of the page lets in whom the table names", async () => {
  const { app } = served;
  type Approve = (request: unknown) => Promise<{ status: number }>;
  const { approve } = await guides.load<{ approve: Approve }>("invoices.ts");
  const statusOf = async (token?: string) => {
    const headers = new Headers();
    if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
    return (await approve({ headers })).status;
  };
  const admin = await createMember(app, owner, ["admin"]);
  expect(await statusOf()).toBe(401);
  expect(await statusOf("no.token.atall")).toBe(401);
  for (const [{ accessToken }, status] of [
    [owner, 200],
    [accountant, 200],
    [admin, 403],
    [await createSuperAdmin(app), 200],
  ] as const)
    expect(await statusOf(accessToken)).toBe(status);
  const { status } = await app.call(`PATCH /v1/users/${accountant.id}`, {
    token: admin.accessToken,
    json: { status: "disabled" },
  });
  expect(status).toBe(403);
});

/** The file of the page, on disk. */
function writeExample(): string {
  const folder = mkdtempSync(join(tmpdir(), "tenantry-permissions-"));
  const file = join(folder, "permissions.json");
  writeFileSync(file, /^```json\n(\{\n {2}"permissions"[\s\S]+?)^```$/m.exec(GUIDE)?.[1] ?? "");
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  return file;
}

/** Of an example of a request. */
function bodyOf(route: string, which: RegExp) {
  const bodies = [...GUIDE.matchAll(/^([A-Z]+ \S+)\n(\{.+)$/gm)];
  return JSON.parse(
    bodies.find(([, name, body = ""]) => name === route && which.test(body))?.[2] ?? "",
  );
}

/** However many lines it was written on. */
function flat(text: string): string {
  return text.replace(/[,\s]+/g, " ");
}
