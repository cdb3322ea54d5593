/** What a token of a known device is not good for, and when it is good for nothing any more. */
import { describe, expect, setDefaultTimeout, spyOn, test } from "bun:test";
import pg from "pg";
import { HEADER, knownUser, logInFrom, spent, told } from "../auth/login/devices.ts";
import { NEW_PASSWORD, reset, resetToken } from "../auth/mails/mails.ts";
import { makeUser, newAddress } from "../rate-limits/callers.ts";
import { type Answer, PASSWORD, testApp } from "../support/app.ts";
import { textsOf } from "../support/statements.ts";

setDefaultTimeout(60_000);

const app = testApp({
  RATE_LIMITS: "database",
  TRUSTED_PROXY_HOPS: "1",
  DATABASE_POOL_SIZE: "20",
  PASSWORD_HASH_QUEUE: "200",
});

const REFUSED = [429, ["login"]];

describe("an attacker gains nothing by it", () => {
  test("a device of an account of theirs buys no guess at another one", async () => {
    const attacker = await knownUser(app);
    const victim = await knownUser(app);
    const address = await spent(app, "login");
    for (const email of [victim.email, "nobody@limits.example"])
      expect(told(await logInFrom(app, { email, device: attacker.device, address }))).toEqual(
        REFUSED,
      );
    const { email } = victim;
    for (let n = 0; n < 10; n++)
      expect(
        (
          await logInFrom(app, {
            email,
            password: "wrong",
            device: attacker.device,
            address: "192.0.2.9",
          })
        ).status,
      ).toBe(401);
    expect(
      told(await logInFrom(app, { email, device: attacker.device, address: "192.0.2.9" })),
    ).toEqual([429, ["guess"]]);
  });

  test("a token that is made up is no device, and costs no question to the database", async () => {
    const { email } = await knownUser(app);
    const address = await spent(app, "login");
    const forged = Buffer.from(crypto.getRandomValues(new Uint8Array(48))).toString("base64url");
    for (const device of [forged, "", "x".repeat(5000), "cookie"])
      expect(told(await logInFrom(app, { email, device, address }))).toEqual(REFUSED);
    // Beyond twice the quota nothing is asked at all.
    await app.deps.rateLimits.charge("login", address, 60);
    await logInFrom(app, { email, device: forged, address });
    const queries = spyOn(pg.Client.prototype, "query");
    try {
      for (let n = 0; n < 20; n++) await logInFrom(app, { email, device: forged, address });
      expect(queries.mock.calls.filter(([query]) => String(query) !== "SELECT 1")).toEqual([]);
    } finally {
      queries.mockRestore();
    }
  });

  test("whoever has stolen one has ten guesses a minute, however many networks they come from", async () => {
    const { email, device } = await knownUser(app);
    for (let n = 0; n < 10; n++)
      expect((await logInFrom(app, { email, password: "wrong", device })).status).toBe(401);
    const { status, body, headers } = await logInFrom(app, { email, device });
    expect([status, body["violated-policies"]]).toEqual([429, ["guess"]]);
    expect(headers.get("retry-after")).toBe("60");
    // Without it one is a stranger as before.
    expect((await logInFrom(app, { email })).status).toBe(200);
  });

  test("one that they have put into somebody's browser is not known to that account", async () => {
    const attacker = await knownUser(app);
    const victim = await makeUser(app);
    const { body } = await logInFrom(app, { ...victim, device: attacker.device });
    const address = await spent(app, "login");
    expect((await logInFrom(app, { ...victim, device: body.deviceToken, address })).status).toBe(
      200,
    );
    expect(told(await logInFrom(app, { ...victim, device: attacker.device, address }))).toEqual(
      REFUSED,
    );
    // Both have used that browser.
    expect(
      (await logInFrom(app, { email: attacker.email, device: body.deviceToken, address })).status,
    ).toBe(200);
  });

  test("R13: a device of somebody else's tells by no statement and no answer who has an account", async () => {
    const { device } = await knownUser(app);
    const other = await knownUser(app);
    const seen: unknown[] = [];
    for (const email of [other.email, "no-one@limits.example"])
      for (const address of [newAddress(), await spent(app, "login"), await spent(app, "guess")]) {
        let answer: Answer | undefined;
        const texts = await textsOf(async () => {
          answer = await logInFrom(app, { email, password: "wrong", device, address });
        });
        seen.push([texts.filter((text) => text !== "SELECT 1"), answer?.status, answer?.body.code]);
      }
    expect(seen.slice(0, 3)).toEqual(seen.slice(3));
  });
});

describe("a device is forgotten", () => {
  const isKnown = async (email: string, device: string, password = PASSWORD) =>
    (await logInFrom(app, { email, password, device, address: await spent(app, "login") }))
      .status === 200;

  test("by all but the one that stays, with a changed password", async () => {
    const { email, device, tokens } = await knownUser(app);
    const elsewhere = await logInFrom(app, { email, device: "new" });
    const headers = { [HEADER]: device };
    const changed = await app.call("POST /v1/auth/change-password", {
      token: tokens.accessToken,
      json: { currentPassword: PASSWORD, newPassword: NEW_PASSWORD },
      headers,
    });
    expect(changed.status).toBe(204);
    expect(await isKnown(email, elsewhere.body.deviceToken, NEW_PASSWORD)).toBe(false);
    expect(await isKnown(email, device, NEW_PASSWORD)).toBe(true);
    // A right log-in makes it known again.
    const { deviceToken } = (
      await logInFrom(app, { email, password: NEW_PASSWORD, device: elsewhere.body.deviceToken })
    ).body;
    expect(await isKnown(email, deviceToken, NEW_PASSWORD)).toBe(true);
  });

  test("with a reset password, also where the person had logged out", async () => {
    const { email, device, tokens } = await knownUser(app);
    await app.call("POST /v1/auth/logout", { token: tokens.accessToken });
    expect(await isKnown(email, device)).toBe(true);
    expect((await reset(app, await resetToken(app, email))).status).toBe(204);
    expect(await isKnown(email, device, NEW_PASSWORD)).toBe(false);
  });

  test("when its session is ended as somebody else's, with all that it had before", async () => {
    const { email, device, tokens } = await knownUser(app);
    const thief = await logInFrom(app, { email, device: "new" });
    await app.call("POST /v1/auth/logout", { token: thief.body.accessToken });
    const stolen = String(thief.body.deviceToken);
    await logInFrom(app, { email, device: stolen });
    const { body } = await app.call("GET /v1/auth/sessions", { token: tokens.accessToken });
    const theirs = body.items.find((each: { current: boolean }) => !each.current);
    const route = `DELETE /v1/auth/sessions/${theirs.id}`;
    expect((await app.call(route, { token: tokens.accessToken })).status).toBe(204);
    expect([await isKnown(email, stolen), await isKnown(email, device)]).toEqual([false, true]);
  });

  test("when its refresh token is used a second time, late", async () => {
    const { email, device, tokens } = await knownUser(app);
    const refresh = () =>
      app.call("POST /v1/auth/refresh", { json: { refreshToken: tokens.refreshToken } });
    expect((await refresh()).status).toBe(200);
    await app.deps.pool.query(
      "UPDATE refresh_tokens SET used_at = used_at - interval '1 hour' WHERE used_at IS NOT NULL",
    );
    expect((await refresh()).status).toBe(401);
    expect(await isKnown(email, device)).toBe(false);
  });

  test("after 90 days without use; a session's use is its own", async () => {
    const { id, email, device } = await knownUser(app);
    const age = (days: number) =>
      app.deps.pool.query(
        "UPDATE sessions SET last_used_at = now() - make_interval(days => $2) WHERE account_id = $1",
        [id, days],
      );
    await age(91);
    expect(await isKnown(email, device)).toBe(false);
    await age(89);
    expect(await isKnown(email, device)).toBe(true);
  });
});
