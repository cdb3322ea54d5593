/** R67: the link of a change that somebody else has begun, in an open browser that somebody finds. */
import { beforeAll, expect, test } from "bun:test";
import { tokenIn } from "../auth/mails/mails.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { ageLogIn } from "../support/stale.ts";

const app = testApp();
let owner: Account & { tenantId: string };
let root: Account;
beforeAll(async () => {
  owner = await registerOwner(app);
  root = await createSuperAdmin(app);
});

test.each([
  ["a friend among the administrators", () => createMember(app, owner, ["admin"])],
  ["the platform", async () => root],
])("R67: a stale session takes no address that %s has begun", async (_, friend) => {
  const member = await createMember(app, owner);
  // Proved, and still of the tenant's own pool: over a shared account its administrators have no such power.
  const data = { emailVerifiedAt: new Date(), passwordOrigin: "own" } as const;
  await app.deps.db.account.update({ where: { id: member.id }, data });
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
