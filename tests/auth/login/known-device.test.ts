/** A device that an account knows has attempts of its own: no neighbour and no stranger holds it off. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { from, makeUser, newAddress, tryEverywhere } from "../../rate-limits/callers.ts";
import { proveAddress, registerOwner, testApp } from "../../support/app.ts";
import { enrolPasskey, enrolTotp, stopClock, totpCode } from "../../support/factors.ts";
import { codeIn, tokenIn } from "../mails/mails.ts";
import { HEADER, knownUser, lock, logInFrom, spent, told } from "./devices.ts";
import { inTwoTenants } from "./memberships.ts";

setDefaultTimeout(60_000);

const app = testApp({
  RATE_LIMITS: "database",
  TRUSTED_PROXY_HOPS: "1",
  DATABASE_POOL_SIZE: "20",
  PASSWORD_HASH_QUEUE: "200",
});

const OFFICE = "192.0.2.1";
const REFUSED = [429, ["login"]];
const attempts = async (id: string) =>
  (await app.deps.db.account.findUniqueOrThrow({ where: { id } })).loginAttempts;

describe("behind one address, when fifty wrong log-ins of others have spent what the network has", () => {
  test("a right password gets in from a device that the account knows, and from no other", async () => {
    const { email, device } = await knownUser(app);
    const other = await makeUser(app);
    for (let n = 0; n < 50; n++)
      expect(
        (
          await logInFrom(app, {
            email: `n${n}@limits.example`,
            password: "wrong",
            address: OFFICE,
          })
        ).status,
      ).toBe(401);
    for (const { email } of [other, { email: "nobody@limits.example" }])
      expect(told(await logInFrom(app, { email, address: OFFICE }))).toEqual(REFUSED);
    expect(told(await logInFrom(app, { email, address: OFFICE }))).toEqual(REFUSED);
    const answer = await logInFrom(app, { email, device, address: OFFICE });
    expect([answer.status, answer.body.deviceToken]).toEqual([200, device]);
  });

  test("nor is it held off by guesses at its own account from there", async () => {
    const { email, device } = await knownUser(app);
    for (let n = 0; n < 10; n++)
      await logInFrom(app, { email, password: "wrong", address: "192.0.2.2" });
    expect(told(await logInFrom(app, { email, address: "192.0.2.2" }))).toEqual([429, ["guess"]]);
    expect((await logInFrom(app, { email, device, address: "192.0.2.2" })).status).toBe(200);
    // It takes nothing from the network, and gives it nothing back.
    expect(told(await logInFrom(app, { email, address: "192.0.2.2" }))).toEqual([429, ["guess"]]);
  });

  test("all log-ins of the network together hold it off no more", async () => {
    const { email, device } = await knownUser(app);
    const address = await spent(app, "logins");
    expect(told(await logInFrom(app, { email, address }))).toEqual([429, ["logins"]]);
    expect((await logInFrom(app, { email, device, address })).status).toBe(200);
  });

  test("the second factor is taken from there too: by app, by passkey and by recovery code", async () => {
    stopClock();
    const owner = await registerOwner(app);
    const { secret, recoveryCodes } = await enrolTotp(app, owner);
    const { authenticator, userHandle } = await enrolPasskey(app, owner);
    const first = await logInFrom(app, { email: owner.email, device: "new" });
    const verify = (address: string, device: string, shown: object) =>
      app.call("POST /v1/auth/mfa/verify", {
        json: shown,
        headers: { ...from(address), [HEADER]: device },
      });
    const code = totpCode(secret);
    const begun = { mfaToken: first.body.mfaToken, method: "totp", code };
    const { body } = await verify(newAddress(), "new", begun);
    const device = String(body.deviceToken);

    const address = await spent(app, "proof");
    await spent(app, "login", address);
    await spent(app, "challenge", address);
    const again = await logInFrom(app, { email: owner.email, device, address });
    const { mfaToken } = again.body;
    const shown = { mfaToken, method: "recovery_code", code: recoveryCodes[0] };
    expect(told(await verify(address, "new", shown))).toEqual([429, ["proof"]]);
    expect((await verify(address, device, shown)).status).toBe(200);

    const third = await logInFrom(app, { email: owner.email, device, address });
    const options = await app.call("POST /v1/auth/mfa/passkey-options", {
      json: { mfaToken: third.body.mfaToken },
      headers: { ...from(address), [HEADER]: device },
    });
    expect(options.status).toBe(200);
    const response = authenticator.assert(options.body, { userHandle });
    const byPasskey = { mfaToken: third.body.mfaToken, method: "passkey", response };
    expect((await verify(address, device, byPasskey)).status).toBe(200);

    // A passkey alone, and a link or code by mail.
    const alone = await app.call("POST /v1/auth/passkey/options", { headers: from(newAddress()) });
    const passkey = (headers: Record<string, string>) =>
      app.call("POST /v1/auth/passkey/login", {
        json: { response: authenticator.assert(alone.body, { userHandle }) },
        headers: { ...from(address), ...headers },
      });
    expect(told(await passkey({}))).toEqual(REFUSED);
    expect((await passkey({ [HEADER]: device })).status).toBe(200);
  });

  test("so are a link and a code by mail", async () => {
    const person = await knownUser(app);
    const { email, device } = person;
    // A first proof would take the password away, and with it the devices.
    await proveAddress(app, person);
    const address = await spent(app, "proof");
    const follow = (json: object, token: string) =>
      app.call("POST /v1/auth/magic-link/verify", {
        json,
        headers: { ...from(address), [HEADER]: token },
      });
    for (const by of ["token", "code"]) {
      const asked = await app.call("POST /v1/auth/magic-link", {
        json: { email },
        headers: from(newAddress()),
      });
      const mail = await app.lastMailTo(email);
      const json =
        by === "token"
          ? { token: tokenIn(mail) }
          : { challengeId: asked.body.challengeId, code: codeIn(mail) };
      expect(told(await follow(json, "new"))).toEqual([429, ["proof"]]);
      expect([by, (await follow(json, device)).status]).toEqual([by, 200]);
    }
  });

  test("and the choice of a tenant", async () => {
    const { person, other } = await inTwoTenants(app);
    const choose = async (address: string, device: string) => {
      const { body } = await logInFrom(app, { email: person.email, device, address });
      return app.call("POST /v1/auth/select-tenant", {
        json: { selectionToken: body.selectionToken, tenantId: other.tenantId },
        headers: { ...from(address), [HEADER]: device },
      });
    };
    const device = String((await choose(newAddress(), "new")).body.deviceToken);
    const address = await spent(app, "proof");
    expect(told(await choose(address, "new"))).toEqual([429, ["proof"]]);
    expect((await choose(address, device)).status).toBe(200);
  });
});

describe("R12: while strangers have locked the account out", () => {
  test("a known device gets in from anywhere, and sets the failures back", async () => {
    const { id, email, device } = await knownUser(app);
    await tryEverywhere(app, email, 50);
    expect((await logInFrom(app, { email })).status).toBe(401);
    expect((await logInFrom(app, { email, device })).status).toBe(200);
    expect(await attempts(id)).toBe(0);
  });

  test("also after the hundred that hold for everybody else: it has ten of its own, and no more", async () => {
    const { id, email, device } = await knownUser(app);
    await lock(app, id, 100);
    expect((await logInFrom(app, { email })).status).toBe(401);
    expect((await logInFrom(app, { email, device })).status).toBe(200);
    await lock(app, id, 100);
    for (let n = 1; n <= 10; n++) {
      expect((await logInFrom(app, { email, password: "wrong", device })).status).toBe(401);
      expect(await attempts(id)).toBe(100 + n);
    }
    await app.deps.pool.query("DELETE FROM rate_limits WHERE key LIKE 'guess%'");
    expect((await logInFrom(app, { email, device })).status).toBe(401);
    expect((await logInFrom(app, { email, password: "wrong", device })).status).toBe(401);
    expect(await attempts(id)).toBe(110);
  });

  test("its second factor too", async () => {
    stopClock();
    const { id, email, device, tokens } = await knownUser(app);
    const { secret } = await enrolTotp(app, tokens);
    await lock(app, id, 100);
    const verify = async (headers: Record<string, string>) => {
      const { mfaToken } = (await logInFrom(app, { email, device })).body;
      const json = { mfaToken, method: "totp", code: totpCode(secret) };
      const route = "POST /v1/auth/mfa/verify";
      return (await app.call(route, { json, headers: { ...from(newAddress()), ...headers } }))
        .status;
    };
    expect(await verify({})).toBe(401);
    expect(await verify({ [HEADER]: device })).toBe(200);
  });
});
