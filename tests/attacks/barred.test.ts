/** R69, R70: a tenant that keeps an address by an account that nobody can log in to, so that its person can never come. */
import { beforeAll, describe, expect, test } from "bun:test";
import { codeIn, registration } from "../auth/mails/mails.ts";
import { accept, invited } from "../invitations/invitations.ts";
import {
  type Account,
  createSuperAdmin,
  logIn,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";

const app = testApp();
let bank: Account & { tenantId: string; slug: string };
let root: Account;
beforeAll(async () => {
  bank = await registerOwner(app);
  root = await createSuperAdmin(app);
});

/** What a tenant does with an address, or what is done to the tenant, after which nobody can prove the address there. */
const WAYS = {
  "disables its user": (stranger: Account, id: string) =>
    app.call(`PATCH /v1/users/${id}`, {
      token: stranger.accessToken,
      json: { status: "disabled" },
    }),
  "is suspended": ({ tenantId }: Account) =>
    app.call(`POST /v1/tenants/${tenantId}/suspend`, { token: root.accessToken }),
} as const;

describe.each(Object.keys(WAYS) as (keyof typeof WAYS)[])(
  "R70: a tenant that %s keeps nobody from coming with their own address",
  (way) => {
    async function barred(): Promise<{ email: string; id: string }> {
      const stranger = await registerOwner(app);
      const email = `vera@${randomName()}.example`;
      const made = await app.call("POST /v1/users", {
        token: stranger.accessToken,
        json: { email, password: "what the stranger has set here" },
      });
      await WAYS[way](stranger, made.body.id);
      return { email, id: made.body.id };
    }

    test("by an invitation", async () => {
      const { email, id } = await barred();
      const { token } = await invited(app, bank, { email });
      const { status, body } = await accept(app, token);
      expect([status, body.user?.email]).toEqual([201, email]);
      expect((await logIn(app, email)).id).toBe(body.user.id);
      const left = await app.deps.db.user.findUniqueOrThrow({
        where: { id },
        include: { account: true },
      });
      expect(left.account?.poolId).toBe(left.tenantId);
    });

    test("by registering, where addresses are proved first", async () => {
      const { email } = await barred();
      const { config } = app.served;
      config.emailVerification = "required";
      try {
        const json = { ...registration(), email };
        const { body } = await app.call("POST /v1/auth/register", { json });
        const code = codeIn(await app.lastMailTo(email));
        const done = await app.call("POST /v1/auth/register/complete", {
          json: { challengeId: body.challengeId, code },
        });
        expect([done.status, done.body.user?.email]).toEqual([201, email]);
      } finally {
        config.emailVerification = "optional";
      }
    });
  },
);
