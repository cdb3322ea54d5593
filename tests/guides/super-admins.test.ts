/** docs/guides/super-admins.md: the first one, and acting as a user. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { announceBootstrap } from "../../src/platform/announce-bootstrap.ts";
import { PASSWORD, registerOwner } from "../support/app.ts";
import { claimsOf } from "../support/factors.ts";
import { readGuide } from "./guide.ts";
import { openPage, type Page } from "./page.ts";
import { type Served, serve } from "./serve.ts";

type Bootstrap = {
  bootstrap(
    token: string,
    email: string,
    password: string,
  ): Promise<{ code?: string; user?: { id: string; roles: string[] } }>;
};
type ActAs = { actAs(userId: string, reason: string): Promise<string> };

let served: Served;
let page: Page;
let announced = "";
let letGo: (() => Promise<void>) | null;
beforeAll(async () => {
  served = await serve();
  page = openPage(served.url);
  letGo = await announceBootstrap(served.app.served, (text) => (announced += text));
});
afterAll(async () => {
  await letGo?.();
  page.close();
  await served.stop();
});

test("the server says what the page says that it says", () => {
  const [, shown = ""] =
    /^```\n(There is no super admin yet.+)\n```$/m.exec(readGuide("super-admins.md")) ?? [];
  expect(shown).not.toBe("");
  expect(announced).toContain(`\n${shown}\n`);
});

test("its token makes the first super admin once, who acts as a user", async () => {
  const [, token = ""] = /^ {2}(\S{43})$/m.exec(announced) ?? [];
  const { bootstrap } = await page.load<Bootstrap>("bootstrap.ts");
  const made = await bootstrap(token, "root@platform.example", PASSWORD);
  expect(made.user?.roles).toEqual(["super_admin"]);
  const again = await bootstrap(token, "root2@platform.example", PASSWORD);
  expect(again.code).toBe("invalid_one_time_token");

  const owner = await registerOwner(served.app);
  const { actAs } = await page.load<ActAs>("act-as.ts");
  const acting = await actAs(owner.id, "Ticket 42");
  expect(claimsOf(acting)).toMatchObject({ sub: owner.id, act: { sub: made.user?.id } });
  const me = await served.app.call("GET /v1/auth/me", { token: acting });
  expect(me.body.impersonation).toMatchObject({ reason: "Ticket 42" });
  const json = { password: PASSWORD };
  const refused = await served.app.call("POST /v1/auth/reauthenticate", { token: acting, json });
  expect([refused.status, refused.body.code]).toEqual([403, "impersonation_forbidden"]);
  const failure = await actAs(made.user?.id ?? "", "Myself").then(() => null, String);
  expect(failure).toBe("Error: permission_denied");
});
