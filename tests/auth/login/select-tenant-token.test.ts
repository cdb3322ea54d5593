/** The token between a log-in and the choice of a tenant. */
import { beforeAll, beforeEach, describe, expect, test } from "bun:test";
import {
  type Account,
  createSuperAdmin,
  PASSWORD,
  randomName,
  testApp,
} from "../../support/app.ts";
import { enrolTotp } from "../../support/factors.ts";
import { followLink, magicLink, NEW_PASSWORD, replaceAddress } from "../mails/mails.ts";
import { enter, inTwoTenants, type Owner, select } from "./memberships.ts";

const app = testApp({ DATABASE_POOL_SIZE: "20" });
let root: Account;
let person: Owner;
let other: Owner;

beforeAll(async () => {
  root = await createSuperAdmin(app);
});
beforeEach(async () => {
  ({ person, other } = await inTwoTenants(app));
});

async function choose(): Promise<string> {
  return (await enter(app, person.email)).body.selectionToken;
}

const SESSIONS = () => app.deps.db.session.count({ where: { accountId: person.id } });
const INVALID = { status: 400, code: "invalid_one_time_token" };
const codeOf = ({ status, body }: { status: number; body: { code?: string } }) => ({
  status,
  code: body.code,
});

describe("the token", () => {
  test("works once, of twenty at the same time", async () => {
    const token = await choose();
    const before = await SESSIONS();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => select(app, token, (n % 2 ? person : other).tenantId)),
    );
    const good = answers.filter(({ status }) => status === 200);
    expect([good.length, await SESSIONS()]).toEqual([1, before + 1]);
    for (const answer of answers)
      if (answer.status !== 200) expect(codeOf(answer)).toEqual(INVALID);
  });

  const VOIDING: Record<string, () => Promise<unknown>> = {
    "the password was changed": () =>
      app.as(person, "POST /v1/auth/change-password", {
        currentPassword: PASSWORD,
        newPassword: NEW_PASSWORD,
      }),
    "the address was changed": () =>
      replaceAddress(app, root, person, `${randomName()}@new.example`),
    "the account was locked": () =>
      app.deps.pool.query(
        "UPDATE accounts SET login_attempts = 60, locked_until = now() + interval '1 minute' WHERE id = $1",
        [person.id],
      ),
    "a second factor was set up": () => enrolTotp(app, person),
    "five minutes went by": () =>
      app.deps.pool.query(
        `UPDATE one_time_tokens SET created_at = now() - interval '6 minutes', expires_at = now() - interval '1 second'
         WHERE purpose = 'select_tenant'`,
      ),
  };
  for (const [name, happen] of Object.entries(VOIDING)) {
    test(`is worth nothing once ${name}`, async () => {
      const token = await choose();
      await happen();
      const before = await SESSIONS();
      for (const { tenantId } of [other, person])
        expect(codeOf(await select(app, token, tenantId))).toEqual(INVALID);
      expect(await SESSIONS()).toBe(before);
    });
  }

  test("is nothing else, and nothing else is one", async () => {
    const token = await choose();
    const mfa = { mfaToken: token, method: "totp", code: "000000" };
    expect((await app.call("POST /v1/auth/mfa/verify", { json: mfa })).status).toBe(401);
    expect((await followLink(app, { token })).status).toBe(400);
    const { token: mailed } = await magicLink(app, person.email);
    for (const wrong of [mailed, person.refreshToken, "x"])
      expect(codeOf(await select(app, wrong, other.tenantId))).toEqual(INVALID);
    expect((await select(app, token, other.tenantId)).status).toBe(200);
  });

  test.each([
    {},
    { selectionToken: "x" },
    { selectionToken: "x", tenantId: "y" },
    { selectionToken: "", tenantId: "0193a1c2-7f3c-7a90-b1d4-93e5f6a7c802" },
  ])("%j is a 422", async (json) =>
    expect((await app.call("POST /v1/auth/select-tenant", { json })).status).toBe(422),
  );
});
