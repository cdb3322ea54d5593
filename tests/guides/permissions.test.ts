/** docs/guides/permissions.md: its helper, as it stands there, against the real server. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Account, createMember, logIn, registerOwner } from "../support/app.ts";
import { type Guides, openGuides, readGuide } from "./guide.ts";
import { type Served, serve } from "./serve.ts";

type Check = (token: string, permissions: string[]) => Promise<object | null>;

let served: Served;
let guides: Guides;
let check: Check;
let owner: Account;
beforeAll(async () => {
  served = await serve();
  guides = openGuides(served.url);
  ({ check } = await guides.load<{ check: Check }>("check.ts"));
  owner = await registerOwner(served.app);
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
  };
  const guide = readGuide("permissions.md");
  const lines = [...guide.matchAll(/^await check\((\w+), (\[.+?\])\) +(.+)$/gm)];
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
  const first = check(owner.accessToken, ["no:permission"]);
  await expect(first).rejects.toThrow("Tenantry answered 422");
  const second = check(owner.accessToken, ["no:permission"]);
  expect(second).not.toBe(first);
  await expect(second).rejects.toThrow("Tenantry answered 422");
});

test("the role of the page can be made, and no permission of an application's own", async () => {
  const json = JSON.parse(/^POST \/v1\/roles\n(.+)$/m.exec(readGuide("permissions.md"))?.[1] ?? "");
  const token = owner.accessToken;
  const made = await served.app.call("POST /v1/roles", { token, json });
  expect([made.status, made.body.name]).toEqual([201, "helpdesk"]);
  const permissions = ["invoice:approve"];
  const answers = await Promise.all([
    served.app.call("POST /v1/roles", { token, json: { name: "approver", permissions } }),
    served.app.call("POST /v1/auth/check", { token, json: { permissions } }),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([422, 422]);
});

/** However many lines it was written on. */
function flat(text: string): string {
  return text.replace(/[,\s]+/g, " ");
}
