import { beforeAll, describe, expect, test } from "bun:test";
import { Secret } from "otpauth";
import { matchingStep, newTotpSecret, totpUri } from "../../src/factors/totp.ts";
import { type Account, logIn, PASSWORD, registerOwner, testApp } from "../support/app.ts";
import { enrolTotp, forgetSteps, stopClock, totpCode } from "../support/factors.ts";

const app = testApp({ DATABASE_POOL_SIZE: "20" });
beforeAll(() => stopClock());

function start({ accessToken: token }: Account) {
  return app.call("POST /v1/auth/me/totp", { token });
}

function confirm({ accessToken: token }: Account, code: string) {
  return app.call("POST /v1/auth/me/totp/confirm", { token, json: { code } });
}

async function mfaToken(account: Account): Promise<string> {
  const json = { email: account.email, password: PASSWORD };
  return (await app.call("POST /v1/auth/login", { json })).body.mfaToken;
}

async function verify(account: Account, code: string) {
  const json = { mfaToken: await mfaToken(account), method: "totp", code };
  return (await app.call("POST /v1/auth/mfa/verify", { json })).status;
}

function auditOf({ id }: Account, action: string) {
  return app.deps.db.auditLog.findMany({
    where: { resourceId: id, action },
    orderBy: { id: "asc" },
    select: { outcome: true, details: true },
  });
}

describe("R20: the vectors of RFC 6238, Appendix B", () => {
  const SEEDS = {
    SHA1: "12345678901234567890",
    SHA256: "12345678901234567890123456789012",
    SHA512: "1234567890123456789012345678901234567890123456789012345678901234",
  };
  const VECTORS: [number, ...string[]][] = [
    [59, "94287082", "46119246", "90693936"],
    [1111111109, "07081804", "68084774", "25091201"],
    [1111111111, "14050471", "67062674", "99943326"],
    [1234567890, "89005924", "91819424", "93441116"],
    [2000000000, "69279037", "90698825", "38618901"],
    [20000000000, "65353130", "77737706", "47863826"],
  ];
  test.each(VECTORS)("at %i seconds", (seconds, ...codes) => {
    for (const [index, [algorithm, seed]] of Object.entries(SEEDS).entries()) {
      const secret = Secret.fromUTF8(seed).base32;
      const form = { algorithm, digits: 8, period: 30 };
      const step = matchingStep(secret, codes[index] ?? "", seconds * 1000, form);
      expect([algorithm, step]).toEqual([algorithm, Math.floor(seconds / 30)]);
    }
    // The same with six digits, which are the last six.
    const secret = Secret.fromUTF8(SEEDS.SHA1).base32;
    expect(matchingStep(secret, codes[0]?.slice(2) ?? "", seconds * 1000)).toBe(
      Math.floor(seconds / 30),
    );
  });
});

test("R20: a code counts in its own step of 30 seconds and one to either side, and no further", () => {
  // 6 digits of the vector for 1111111109 seconds, which is the last second of its step.
  const secret = Secret.fromUTF8("12345678901234567890").base32;
  const step = Math.floor(1111111109 / 30);
  const starts = [-2, -1, 0, 1, 2].map((offset) => (step + offset) * 30_000);
  const stepAt = (now: number) => matchingStep(secret, "081804", now);
  expect(starts.map(stepAt)).toEqual([null, step, step, step, null]);
  expect(starts.map((start) => stepAt(start + 29_999))).toEqual([null, step, step, step, null]);
  for (const code of ["", "81804", "0818040", "08180x", "０８１８０４"])
    expect([code, matchingStep(secret, code, step * 30_000)]).toEqual([code, null]);
});

test("R21: a secret has 160 bits and is never the same", () => {
  const secrets = Array.from({ length: 100 }, newTotpSecret);
  expect(new Set(secrets).size).toBe(100);
  for (const secret of secrets) expect(Secret.fromBase32(secret).bytes).toHaveLength(20);
});

test("the URI is what authenticator apps read", () => {
  const uri = new URL(totpUri("JBSWY3DPEHPK3PXP", "Acme & Sons", "ada@acme.example"));
  expect(uri.protocol).toBe("otpauth:");
  expect(decodeURIComponent(uri.pathname)).toEndWith("Acme & Sons:ada@acme.example");
  expect(Object.fromEntries(uri.searchParams)).toEqual({
    issuer: "Acme & Sons",
    secret: "JBSWY3DPEHPK3PXP",
    algorithm: "SHA1",
    digits: "6",
    period: "30",
  });
});

describe("R21: setting up an authenticator app", () => {
  test("counts only once a code of it was right", async () => {
    const owner = await registerOwner(app);
    const { body } = await start(owner);
    expect(body.uri).toContain(`secret=${body.secret}`);
    expect(body.uri).toContain(encodeURIComponent(owner.email));
    expect((await logIn(app, owner.email)).accessToken).toBeString();

    const wrong = await confirm(owner, "000000");
    expect({ status: wrong.status, errors: wrong.body.errors }).toMatchObject({
      status: 422,
      errors: [{ path: "code" }],
    });
    expect((await logIn(app, owner.email)).accessToken).toBeString();

    const done = await confirm(owner, totpCode(body.secret).replace(/(...)/, "$1 "));
    expect(done.status).toBe(200);
    expect(done.body.recoveryCodes).toHaveLength(10);
    expect(await mfaToken(owner)).toBeString();
    expect(await auditOf(owner, "factor.added")).toEqual([
      { outcome: "failure", details: { factor: "totp" } },
      { outcome: "success", details: { factor: "totp" } },
    ]);
  });

  test("shows the secret once and stores it encrypted, for its own row alone", async () => {
    const owner = await registerOwner(app);
    const { secret } = await enrolTotp(app, owner);
    const factors = await app.call("GET /v1/auth/me/factors", { token: owner.accessToken });
    expect(JSON.stringify(factors.body)).not.toContain(secret);
    const row = await app.deps.db.totpFactor.findFirstOrThrow({ where: { accountId: owner.id } });
    const stored = Buffer.from(row.secret);
    expect(stored.includes(Buffer.from(secret))).toBe(false);
    expect(stored.includes(Buffer.from(Secret.fromBase32(secret).bytes))).toBe(false);

    const thief = await registerOwner(app);
    const own = await enrolTotp(app, thief);
    await app.deps.db.totpFactor.updateMany({
      where: { accountId: owner.id },
      data: {
        secret: (await app.deps.db.totpFactor.findFirstOrThrow({ where: { accountId: thief.id } }))
          .secret,
      },
    });
    expect(await verify(owner, totpCode(own.secret))).toBe(500);
  });

  test("a newer secret takes the place of one that waits, and a confirmed one is not replaced", async () => {
    const owner = await registerOwner(app);
    const [first, second] = [(await start(owner)).body.secret, (await start(owner)).body.secret];
    expect((await confirm(owner, totpCode(first))).status).toBe(422);
    expect((await confirm(owner, totpCode(second))).status).toBe(200);
    expect((await start(owner)).body.code).toBe("factor_exists");
    expect((await confirm(owner, totpCode(second, 1))).status).toBe(404);
  });

  test("a secret that waited for too long is none", async () => {
    const owner = await registerOwner(app);
    const { secret } = (await start(owner)).body;
    await app.deps.db.totpFactor.updateMany({
      where: { accountId: owner.id },
      data: { createdAt: new Date(Date.now() - 31 * 60_000) },
    });
    expect((await confirm(owner, totpCode(secret))).status).toBe(404);
  });

  test("of ten confirmations at once one counts", async () => {
    const owner = await registerOwner(app);
    const { secret } = (await start(owner)).body;
    const code = totpCode(secret);
    const statuses = (
      await Promise.all(Array.from({ length: 10 }, () => confirm(owner, code)))
    ).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(await app.deps.db.recoveryCode.count({ where: { accountId: owner.id } })).toBe(10);
  });
});

describe("R20: each code works once", () => {
  test("not that of the enrolment either, nor an earlier one than the last", async () => {
    const owner = await registerOwner(app);
    const { secret } = await enrolTotp(app, owner);
    expect(await verify(owner, totpCode(secret, -1))).toBe(401);
    const code = totpCode(secret, 1);
    expect(await verify(owner, code)).toBe(200);
    expect(await verify(owner, code)).toBe(401);
    expect(await verify(owner, totpCode(secret))).toBe(401);
    await forgetSteps(app, owner);
    expect(await verify(owner, totpCode(secret))).toBe(200);
  });

  test("of fifty log-ins with the same code at once one succeeds", async () => {
    const owner = await registerOwner(app);
    const { secret } = await enrolTotp(app, owner);
    const tokens: string[] = [];
    for (let count = 0; count < 5; count++)
      tokens.push(...(await Promise.all(Array.from({ length: 10 }, () => mfaToken(owner)))));
    const code = totpCode(secret);
    const answers = await Promise.all(
      tokens.map((token) =>
        app.call("POST /v1/auth/mfa/verify", { json: { mfaToken: token, method: "totp", code } }),
      ),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(49);
  });
});

test("removing it needs the password alone at the next log-in, and takes the recovery codes along", async () => {
  const owner = await registerOwner(app);
  await enrolTotp(app, owner);
  const remove = () => app.call("DELETE /v1/auth/me/totp", { token: owner.accessToken });
  expect((await remove()).status).toBe(204);
  expect((await remove()).status).toBe(404);
  expect(await app.deps.db.recoveryCode.count({ where: { accountId: owner.id } })).toBe(0);
  expect((await logIn(app, owner.email)).accessToken).toBeString();
  expect(await auditOf(owner, "factor.removed")).toEqual([
    { outcome: "success", details: { factor: "totp" } },
  ]);
});

test("a colon in the product's name parts nothing in the QR code's label", () => {
  for (const [name, shown] of [
    ["Acme: Log-in", "Acme Log-in"],
    ["Acme:ID", "Acme ID"],
    ["::Acme :: ID:", "Acme ID"],
    ["Acme & Sons", "Acme & Sons"],
  ] as const) {
    const uri = new URL(totpUri("JBSWY3DPEHPK3PXP", name, "ada@acme.example"));
    const [issuer, ...rest] = decodeURIComponent(uri.pathname).split("/").at(-1)?.split(":") ?? [];
    expect([issuer, rest, uri.searchParams.get("issuer")]).toEqual([
      shown,
      ["ada@acme.example"],
      shown,
    ]);
  }
});
