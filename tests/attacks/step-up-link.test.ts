/** R67: the link of a change that somebody else has begun, in an open browser that somebody finds. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { tokenIn } from "../auth/mails/mails.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  createTestApp,
  proveAddress,
  randomName,
  registerOwner,
  type TestApp,
} from "../support/app.ts";
import { ageLogIn } from "../support/stale.ts";

let app: TestApp;
let owner: Account & { tenantId: string };
let root: Account;
beforeAll(async () => {
  app = await createTestApp();
  owner = await registerOwner(app);
  root = await createSuperAdmin(app);
});
afterAll(() => app.close());

test.each([
  ["a friend among the administrators", () => createMember(app, owner, ["admin"])],
  ["the platform", async () => root],
])("R67: a stale session takes no address that %s has begun", async (_, friend) => {
  const member = await createMember(app, owner);
  await proveAddress(app, member);
  const [stale, { accessToken }] = [await ageLogIn(app, member), await friend()];
  const email = `${randomName()}@evil.example`;
  await app.call(`PATCH /v1/users/${member.id}`, { token: accessToken, json: { email } });
  const json = { token: tokenIn(await app.lastMailTo(email)) };
  const follow = ({ accessToken: token }: Account) =>
    app.call("POST /v1/auth/me/email/verify", { token, json });
  const { status, body } = await follow(stale);
  expect([status, body.code]).toEqual([401, "reauthentication_required"]);
  const { email: kept } = await app.deps.db.user.findUniqueOrThrow({ where: { id: member.id } });
  expect(kept).toBe(member.email);
});
