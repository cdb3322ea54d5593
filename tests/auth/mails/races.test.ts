/** Everything that a mail can lead to, at the same moment and for the same user. */
import { beforeAll, expect, test } from "bun:test";
import {
  type Account,
  createMember,
  PASSWORD,
  randomName,
  registerOwner,
  testApp,
} from "../../support/app.ts";
import {
  codeIn,
  followLink,
  magicLink,
  otherCode,
  passwordLogin,
  reset,
  resetToken,
  startChange,
} from "./mails.ts";

const app = testApp({ DATABASE_POOL_SIZE: "20" });
let owner: Account & { tenantId: string };
beforeAll(async () => {
  owner = await registerOwner(app);
});

async function deadlocks(): Promise<number> {
  const { rows } = await app.deps.pool.query(
    "SELECT deadlocks::int AS n FROM pg_stat_database WHERE datname = current_database()",
  );
  return rows[0].n;
}

test("no two of them wait for each other, and none fails for a reason of ours", async () => {
  for (let round = 0; round < 8; round++) {
    const account = await createMember(app, owner);
    const { accessToken: token, email } = account;
    const change = await startChange(app, account);
    const link = await magicLink(app, email);
    const resetLink = await resetToken(app, email);
    await app.call("POST /v1/auth/me/email/verification", { token });
    await app.call("POST /v1/auth/forgot-password", { json: { email } });
    await app.call("POST /v1/auth/magic-link", { json: { email } });
    const passwords = { currentPassword: PASSWORD, newPassword: `${PASSWORD}!` };
    const { challengeId, code } = link;
    const answers = await Promise.all([
      reset(app, resetLink),
      followLink(app, { token: link.token }),
      followLink(app, { challengeId, code: otherCode(code) }),
      app.call("POST /v1/auth/me/email/verify", { token, json: { token: change.token } }),
      app.call("POST /v1/auth/me/email/verify", { token, json: { code: change.code } }),
      app.call("POST /v1/auth/me/email/verification", { token }),
      app.call("POST /v1/auth/change-password", { token, json: passwords }),
      app.call("POST /v1/auth/login", { json: { email, password: PASSWORD } }),
      app.call(`PATCH /v1/users/${account.id}`, {
        token: owner.accessToken,
        json: { email: `${randomName()}@new.example` },
      }),
      app.call(`POST /v1/users/${account.id}/reset-password`, { token: owner.accessToken }),
      app.mail(),
      app.mail(),
    ]);
    for (const answer of answers)
      if ("status" in answer)
        expect([answer.body, answer.status < 500]).toEqual([answer.body, true]);
  }
  expect(await deadlocks()).toBe(0);
});

test("R15: of a reset and a log-in by mail on an unproved account, whichever is first leaves no way back", async () => {
  for (let round = 0; round < 5; round++) {
    const stranger = await registerOwner(app);
    const link = await magicLink(app, stranger.email);
    const token = await resetToken(app, stranger.email);
    const [byLink, byReset] = await Promise.all([
      followLink(app, { token: link.token }),
      reset(app, token),
    ]);
    // The one that comes second finds its token voided: the password is another one by then.
    expect([
      [200, 400],
      [400, 204],
    ]).toContainEqual([byLink.status, byReset.status]);
    expect(await passwordLogin(app, stranger.email)).toBe(401);
    expect((await app.call("GET /v1/auth/me", { token: stranger.accessToken })).status).toBe(401);
  }
});

test("R22: a right code among wrong ones at once counts, or is one too late; the tries are all kept", async () => {
  for (let round = 0; round < 5; round++) {
    const account = await registerOwner(app);
    const code = codeIn(await app.lastMailTo(account.email));
    const prove = (json: object) =>
      app.call("POST /v1/auth/me/email/verify", { token: account.accessToken, json });
    const answers = await Promise.all([
      ...Array.from({ length: 8 }, (_, n) => prove({ code: otherCode(code, n + 1) })),
      prove({ code }),
    ]);
    const right = answers.at(-1)?.status;
    const { attempts } = await app.deps.db.oneTimeToken.findFirstOrThrow({
      where: { userId: account.id, purpose: "verify_email" },
    });
    expect(right === 204 ? attempts < 5 : attempts === 5).toBe(true);
    for (const { status } of answers.slice(0, -1)) expect(status).toBe(400);
  }
});

test("where addresses are proved first, one that changes while the password is looked at logs nobody in", async () => {
  const member = await createMember(app, owner);
  await app.deps.db.account.update({
    where: { id: member.id },
    data: { emailVerifiedAt: new Date() },
  });
  const { passwords, config } = app.deps;
  const { verify: original } = passwords;
  config.emailVerification = "required";
  passwords.verify = async (hash, password) => {
    await app.deps.db.account.update({ where: { id: member.id }, data: { emailVerifiedAt: null } });
    return original(hash, password);
  };
  expect(await passwordLogin(app, member.email)).toBe(401);
  passwords.verify = original;
  config.emailVerification = "optional";
  expect(await passwordLogin(app, member.email)).toBe(200);
});
