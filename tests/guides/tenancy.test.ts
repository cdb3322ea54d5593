/** docs/guides/tenancy.md: one person, two tenants, two tabs. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Account, PASSWORD, randomName, registerOwner } from "../support/app.ts";
import { linkIn, openPage, type Page } from "./page.ts";
import { type Served, serve } from "./serve.ts";

// biome-ignore lint/suspicious/noExplicitAny: a test names the fields that it expects, and fails when they are not there
type Answers = Promise<any>;
type Tenants = {
  choose(selectionToken: string, tenantId: string): Answers;
  myTenants(): Answers;
  workIn(tenantId: string): Answers;
  makeTenant(name: string, slug: string): Answers;
  leave(tenantId: string): Answers;
};
type Accept = { accept(password: string): Answers; join(): Answers };

let served: Served;
let page: Page;
let first: Account & { tenantId: string };
let second: Account & { tenantId: string };
const email = `${randomName()}@guests.example`;
beforeAll(async () => {
  served = await serve();
  page = openPage(served.url);
  first = await registerOwner(served.app);
  second = await registerOwner(served.app);
});
afterAll(async () => {
  page.close();
  await served.stop();
});

/** The page behind the mail of an invitation; whoever was logged in still is. */
async function invitedBy(owner: Account): Promise<Accept> {
  await served.app.as(owner, "POST /v1/invitations", { email });
  page.go(linkIn(await served.app.lastMailTo(email)));
  return page.load<Accept>("accept-invitation.ts");
}

async function logIn() {
  page.browser.cookies.clear();
  page.go(served.url);
  return (await page.client()).post("/v1/auth/login", { email, password: PASSWORD });
}

/** A tab that has just been opened: the cookie is there, and nothing is in memory. */
async function tab(): Promise<{ tenants: Tenants; whereAmI(): Promise<string> }> {
  page.go(served.url);
  const { call } = await page.client();
  const whereAmI = async () => (await (await call("GET", "/v1/auth/me")).json()).tenant.id;
  return { tenants: await page.load<Tenants>("tenants.ts"), whereAmI };
}

test("a second invitation adds a tenant, and each tab works in its own", async () => {
  await (await invitedBy(first)).accept(PASSWORD);
  expect((await (await invitedBy(second)).join()).user.tenantId).toBe(second.tenantId);

  const a = await tab();
  await a.tenants.workIn(first.tenantId);
  const b = await tab();
  await b.tenants.workIn(second.tenantId);
  expect(await a.whereAmI()).toBe(first.tenantId);
  expect(await b.whereAmI()).toBe(second.tenantId);
  const mine = await a.tenants.myTenants();
  expect(mine.map(({ tenant }: { tenant: { id: string } }) => tenant.id).toSorted()).toEqual(
    [first.tenantId, second.tenantId].sort(),
  );
});

test("a log-in asks which tenant is meant, and whoever leaves one is in the other", async () => {
  const { tenantSelection, selectionToken } = await logIn();
  expect(tenantSelection).toHaveLength(2);
  const { choose } = await page.load<Tenants>("tenants.ts");
  expect((await choose(selectionToken, second.tenantId)).user.tenantId).toBe(second.tenantId);

  const { tenants, whereAmI } = await tab();
  expect(await tenants.leave(second.tenantId)).toBeUndefined();
  expect(await whereAmI()).toBe(first.tenantId);
  expect((await logIn()).user.tenantId).toBe(first.tenantId);
});

test("somebody makes a tenant of their own, which its last owner does not leave", async () => {
  await logIn();
  const { makeTenant, workIn, leave } = await page.load<Tenants>("tenants.ts");
  const slug = randomName();
  const { tenant, roles } = await makeTenant(slug, slug);
  expect(roles).toEqual(["owner"]);
  expect((await workIn(tenant.id)).user.roles).toEqual(["owner"]);
  expect((await leave(tenant.id)).code).toBe("last_owner");
});
