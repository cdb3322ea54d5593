/** R69: with EMAIL_VERIFICATION=required, who comes with a hash and no proved address: whose password stays through the proof. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { codeIn, mailsTo, NEW_PASSWORD, reset, resetToken, tokenIn } from "../auth/mails/mails.ts";
import { VECTORS } from "../crypto/imported-hashes.ts";
import { invited, join } from "../invitations/invitations.ts";
import {
  type Account,
  createSuperAdmin,
  logIn,
  PASSWORD,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { sendImport } from "./imports.ts";

const app = testApp();
type Owner = Account & { tenantId: string; slug: string };
let root: Account;
let owner: Owner;
beforeAll(async () => {
  [root, owner] = await Promise.all([createSuperAdmin(app), registerOwner(app)]);
});

const HASH = VECTORS["PBKDF2-SHA256, Django 3.2"];

/** As the platform or as the tenant itself, with a hash of PASSWORD. */
async function movedIn(who: Account, { tenantId }: Owner): Promise<string> {
  const email = `mover@${randomName()}.example`;
  const query = who === root ? `?tenantId=${tenantId}` : "";
  const text = `email,passwordHash\n${email},${HASH}\n`;
  const { body } = await sendImport(app, who, text, { query });
  expect(body).toMatchObject({ created: 1, unproved: 0 });
  return email;
}

const logInWith = async (name: object, password = PASSWORD) =>
  (await app.call("POST /v1/auth/login", { json: { ...name, password } })).status;
const call = (path: string, json: object, token?: string) =>
  app.call(`POST ${path}`, { json, token });

/** The last mail to an address, once so many have come: the one of a refused log-in is asked for beside its answer. */
async function arrived(email: string, count: number) {
  for (const end = Date.now() + 10_000; Date.now() < end; await Bun.sleep(20))
    if ((await mailsTo(app, email)) >= count) break;
  return app.lastMailTo(email);
}

/** Every mail that proves the address of somebody who cannot log in yet. @param name address, and tenant where it is asked. */
const PROOFS: [
  name: string,
  prove: (name: { email: string; tenant?: string }) => Promise<number>,
][] = [
  [
    "the link of the mail that the refused log-in brought",
    async ({ email }) => {
      const token = tokenIn(await arrived(email, 1));
      return (await call("/v1/auth/magic-link/verify", { token })).status;
    },
  ],
  [
    "a link that was asked for",
    async (name) => {
      await arrived(name.email, 1);
      await call("/v1/auth/magic-link", name);
      const token = tokenIn(await arrived(name.email, 2));
      return (await call("/v1/auth/magic-link/verify", { token })).status;
    },
  ],
  [
    "the code of such a mail",
    async (name) => {
      await arrived(name.email, 1);
      const { challengeId } = (await call("/v1/auth/magic-link", name)).body;
      const code = codeIn(await arrived(name.email, 2));
      return (await call("/v1/auth/magic-link/verify", { challengeId, code })).status;
    },
  ],
];

describe("EMAIL_VERIFICATION=required", () => {
  beforeAll(() => {
    app.deps.config.emailVerification = "required";
  });
  afterAll(() => {
    app.deps.config.emailVerification = "optional";
    app.deps.config.emailScope = "global";
  });

  for (const scope of ["global", "tenant"] as const)
    describe(`EMAIL_SCOPE=${scope}`, () => {
      beforeAll(() => {
        app.deps.config.emailScope = scope;
      });

      test.each(PROOFS)(
        "the platform's word: the password stays through %s",
        async (_name, prove) => {
          const email = await movedIn(root, owner);
          const name = scope === "tenant" ? { email, tenant: owner.slug } : { email };
          expect(await logInWith(name)).toBe(401);
          expect(await prove(name)).toBe(200);
          expect(await logInWith(name)).toBe(200);
          expect(await logInWith(name, "wrong")).toBe(401);
        },
      );

      test.each(PROOFS)("a tenant's word, through %s", async (_name, prove) => {
        const email = await movedIn(owner, owner);
        const name = scope === "tenant" ? { email, tenant: owner.slug } : { email };
        expect(await logInWith(name)).toBe(401);
        expect(await prove(name)).toBe(200);
        // In a pool of its own it may vouch; where addresses are everybody's, its password need not be the person's.
        expect(await logInWith(name)).toBe(scope === "tenant" ? 200 : 401);
      });
    });

  test("an administrator who mends the address before: the password stays through the link of the new one", async () => {
    app.deps.config.emailScope = "global";
    const wrong = await movedIn(root, owner);
    const email = `mover@${randomName()}.example`;
    const { id } = await app.deps.db.user.findFirstOrThrow({ where: { email: wrong } });
    await app.call(`PATCH /v1/users/${id}`, { token: root.accessToken, json: { email } });
    const json = { token: tokenIn(await app.lastMailTo(email)) };
    expect((await call("/v1/auth/email/verify", json)).status).toBe(204);
    expect(await logInWith({ email })).toBe(200);
  });

  test("somebody who has forgotten it sets another one, and that is theirs", async () => {
    app.deps.config.emailScope = "global";
    const email = await movedIn(root, owner);
    expect((await reset(app, await resetToken(app, email))).status).toBe(204);
    expect([await logInWith({ email }, NEW_PASSWORD), await logInWith({ email })]).toEqual([
      200, 401,
    ]);
  });
});

describe("EMAIL_VERIFICATION=optional", () => {
  afterEach(() => {
    app.deps.config.emailScope = "global";
  });

  test("a password that was changed by who knew the vouched one stays through a proof by mail, as that one would", async () => {
    const email = await movedIn(root, owner);
    const { accessToken } = await logIn(app, email);
    const change = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
    expect((await call("/v1/auth/change-password", change, accessToken)).status).toBe(204);
    await call("/v1/auth/magic-link", { email });
    const token = tokenIn(await app.lastMailTo(email));
    expect((await call("/v1/auth/magic-link/verify", { token })).status).toBe(200);
    expect(await logInWith({ email }, NEW_PASSWORD)).toBe(200);
  });

  test("such a password comes along to another tenant", async () => {
    const email = await movedIn(root, owner);
    const mover = await logIn(app, email);
    const change = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
    expect((await call("/v1/auth/change-password", change, mover.accessToken)).status).toBe(204);
    const { token } = await invited(app, await registerOwner(app), { email });
    expect((await join(app, { ...mover, email }, token)).status).toBe(200);
    expect(await logInWith({ email }, NEW_PASSWORD)).toBe(200);
  });
});
