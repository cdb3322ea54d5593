/** docs/guides/invitations.md: from the call to the page that accepts. */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { type Account, PASSWORD, randomName, registerOwner } from "../support/app.ts";
import { linkIn, openPage, type Page } from "./page.ts";
import { type Served, serve } from "./serve.ts";

type Answers = Promise<Record<string, unknown> & { user?: { email: string; roles: string[] } }>;
type Invite = { invite(email: string, roles?: string[]): Answers };
type Accept = {
  inspect(): Answers;
  accept(password: string, firstName?: string): Answers;
  join(): Answers;
};

let served: Served;
let page: Page;
let owner: Account & { slug: string };
beforeAll(async () => {
  served = await serve();
  page = openPage(served.url);
});
afterAll(async () => {
  page.close();
  await served.stop();
});
beforeEach(async () => {
  owner = await registerOwner(served.app);
});

/** Invites, and opens the page that the mail leads to. */
async function invited(email: string, roles?: string[]): Promise<Accept> {
  page.go(served.url);
  page.browser.cookies.clear();
  await (await page.client()).post("/v1/auth/login", { email: owner.email, password: PASSWORD });
  const { invite } = await page.load<Invite>("invite.ts");
  expect(await invite(email, roles)).toMatchObject({ email, status: "pending" });
  page.browser.cookies.clear();
  const link = linkIn(await served.app.lastMailTo(email));
  expect(new URL(link).pathname).toBe("/accept-invitation");
  page.go(link);
  return page.load<Accept>("accept-invitation.ts");
}

test("somebody new sees what is offered, chooses a password, and is in", async () => {
  const email = `${randomName()}@guests.example`;
  const { inspect, accept } = await invited(email, ["auditor"]);
  expect(await inspect()).toMatchObject({ tenant: { name: owner.slug }, email });
  expect((await accept(PASSWORD, "Ada")).user).toMatchObject({
    email,
    firstName: "Ada",
    roles: ["auditor"],
  });
  const { call } = await page.client();
  expect((await (await call("GET", "/v1/auth/me")).json()).user.email).toBe(email);
  expect((await accept(PASSWORD)).code).toBe("invalid_one_time_token");
});

test("without roles it is the default role", async () => {
  const { accept } = await invited(`${randomName()}@guests.example`);
  expect((await accept(PASSWORD)).user?.roles).toEqual(["member"]);
});

test("whoever has an account is told so, and joins with it", async () => {
  const first = await invited(`${randomName()}@guests.example`);
  const email = String((await first.accept(PASSWORD)).user?.email);
  const before = owner.tenantId;
  owner = await registerOwner(served.app);
  const { accept, join } = await invited(email, ["admin"]);
  expect((await accept(PASSWORD)).code).toBe("email_taken");
  expect((await join()).code).toBe("not_authenticated");
  await logIn(email);
  const { user } = await join();
  expect(user).toMatchObject({ email, roles: ["admin"], tenantId: owner.tenantId });
  expect(before).not.toBe(owner.tenantId);
});

test("an owner joins too, and an invitation to another address is not theirs", async () => {
  const other = await registerOwner(served.app);
  const theirs = await invited(other.email);
  await logIn(other.email);
  expect((await theirs.join()).user?.roles).toEqual(["member"]);
  const elses = await invited(`${randomName()}@guests.example`);
  await logIn(other.email, other.slug);
  expect((await elses.join()).code).toBe("invalid_one_time_token");
});

async function logIn(email: string, tenant?: string) {
  await (await page.client()).post("/v1/auth/login", { email, password: PASSWORD, tenant });
}
