import { beforeAll, describe, expect, test } from "bun:test";
import { type Account, PASSWORD, registerOwner, testApp } from "../support/app.ts";
import { claimsOf, enrolTotp, stopClock } from "../support/factors.ts";

const app = testApp({ DATABASE_POOL_SIZE: "20" });
beforeAll(() => stopClock());

async function mfaToken({ email }: Account): Promise<string> {
  return (await app.call("POST /v1/auth/login", { json: { email, password: PASSWORD } })).body
    .mfaToken;
}

async function verify(account: Account, code: string) {
  const json = { mfaToken: await mfaToken(account), method: "recovery_code", code };
  return app.call("POST /v1/auth/mfa/verify", { json });
}

function renew({ accessToken: token }: Account) {
  return app.call("POST /v1/auth/me/recovery-codes", { token });
}

async function left({ accessToken: token }: Account) {
  return (await app.call("GET /v1/auth/me/factors", { token })).body.recoveryCodesLeft;
}

test("R23: ten codes of 120 random bits, of which only hashes are stored", async () => {
  const owner = await registerOwner(app);
  const { recoveryCodes } = await enrolTotp(app, owner);
  expect(new Set(recoveryCodes).size).toBe(10);
  // 24 characters of 5 bits.
  for (const code of recoveryCodes) expect(code).toMatch(/^([A-Z2-7]{4}-){5}[A-Z2-7]{4}$/);
  const rows = await app.deps.db.recoveryCode.findMany({ where: { accountId: owner.id } });
  const stored = JSON.stringify(rows);
  for (const code of recoveryCodes) expect(stored).not.toContain(code.replaceAll("-", ""));
  expect(await left(owner)).toBe(10);
});

describe("R23: a code", () => {
  test("stands in for the second factor once, and the log-in says so", async () => {
    const owner = await registerOwner(app);
    const [code = ""] = (await enrolTotp(app, owner)).recoveryCodes;
    const { status, body } = await verify(owner, code);
    expect(status).toBe(200);
    expect(claimsOf(body.accessToken).amr).toEqual(["pwd", "recovery", "mfa"]);
    expect((await verify(owner, code)).status).toBe(401);
    expect(await left(owner)).toBe(9);
  });

  test("is read without regard to case, hyphens and spaces", async () => {
    const owner = await registerOwner(app);
    const [first = "", second = "", third = ""] = (await enrolTotp(app, owner)).recoveryCodes;
    for (const typed of [
      first.toLowerCase(),
      second.replaceAll("-", ""),
      ` ${third.replaceAll("-", " ")} `,
    ])
      expect((await verify(owner, typed)).status).toBe(200);
  });

  test("is nobody else's", async () => {
    const [owner, other] = [await registerOwner(app), await registerOwner(app)];
    const [code = ""] = (await enrolTotp(app, owner)).recoveryCodes;
    await enrolTotp(app, other);
    expect((await verify(other, code)).status).toBe(401);
    expect((await verify(owner, code)).status).toBe(200);
  });

  test("of twenty who show it at once lets one in", async () => {
    const owner = await registerOwner(app);
    const [code = ""] = (await enrolTotp(app, owner)).recoveryCodes;
    const tokens: string[] = [];
    for (let count = 0; count < 20; count++) tokens.push(await mfaToken(owner));
    const answers = await Promise.all(
      tokens.map((token) =>
        app.call("POST /v1/auth/mfa/verify", {
          json: { mfaToken: token, method: "recovery_code", code },
        }),
      ),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(await left(owner)).toBe(9);
  });
});

describe("R23: a new set", () => {
  test("voids the old one, used or not, and is audited without its codes", async () => {
    const owner = await registerOwner(app);
    const [old = ""] = (await enrolTotp(app, owner)).recoveryCodes;
    const { status, body } = await renew(owner);
    expect(status).toBe(200);
    expect(body.codes).toHaveLength(10);
    expect((await verify(owner, old)).status).toBe(401);
    expect((await verify(owner, body.codes[0])).status).toBe(200);
    const rows = await app.deps.db.auditLog.findMany({
      where: { resourceId: owner.id, action: "factor.added" },
      orderBy: { id: "asc" },
      select: { details: true },
    });
    expect(rows).toEqual([
      { details: { factor: "totp" } },
      { details: { factor: "recovery_codes" } },
    ]);
  });

  test("is only for who has something that it stands in for", async () => {
    const owner = await registerOwner(app);
    expect((await renew(owner)).status).toBe(404);
    await app.call("POST /v1/auth/me/totp", { token: owner.accessToken });
    expect((await renew(owner)).status).toBe(404);
  });

  test("leaves one whole set when several are asked for at once", async () => {
    const owner = await registerOwner(app);
    await enrolTotp(app, owner);
    const answers = await Promise.all(Array.from({ length: 5 }, () => renew(owner)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(await left(owner)).toBe(10);
  });
});

test("who has unused codes keeps them when a second factor is added", async () => {
  const owner = await registerOwner(app);
  const { recoveryCodes } = await enrolTotp(app, owner);
  await app.deps.db.totpFactor.deleteMany({ where: { accountId: owner.id } });
  expect((await enrolTotp(app, owner)).recoveryCodes).toBeNull();
  expect((await verify(owner, recoveryCodes[0] ?? "")).status).toBe(200);
});
