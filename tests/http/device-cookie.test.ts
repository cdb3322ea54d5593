/** How the token of a known device travels: in a cookie for pages, else in the answer and a header. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { HEADER, knownUser, logInFrom, spent, told } from "../auth/login/devices.ts";
import { from, makeUser, newAddress } from "../rate-limits/callers.ts";
import { PASSWORD, testApp } from "../support/app.ts";

setDefaultTimeout(60_000);

const app = testApp({
  RATE_LIMITS: "database",
  TRUSTED_PROXY_HOPS: "1",
  DATABASE_POOL_SIZE: "20",
  PASSWORD_HASH_QUEUE: "200",
});

const COOKIE = "__Host-tenantry_device";
const REFUSED = [429, ["login"]];

describe("how it travels", () => {
  test("nothing is told, kept or set for whoever does not ask for it", async () => {
    const user = await makeUser(app);
    const modes: Record<string, string>[] = [{}, { "tenantry-tokens": "cookie" }];
    for (const mode of modes) {
      const { headers, body } = await app.call("POST /v1/auth/login", {
        json: { email: user.email, password: PASSWORD },
        headers: { ...from(newAddress()), ...mode },
      });
      expect(body.deviceToken).toBeUndefined();
      expect(headers.getSetCookie().join()).not.toContain(COOKIE);
    }
    const rows = await app.deps.db.session.findMany({ where: { accountId: user.id } });
    expect(rows.map(({ deviceId }) => deviceId)).toEqual([null, null]);
  });

  test("for a page in a cookie that no script reads, and with it the page is known", async () => {
    const user = await makeUser(app);
    const page = (cookie?: string, address = newAddress()) =>
      app.call("POST /v1/auth/login", {
        json: { email: user.email, password: PASSWORD },
        headers: {
          ...from(address),
          "tenantry-tokens": "cookie",
          [HEADER]: "cookie",
          ...(cookie !== undefined && { cookie }),
        },
      });
    const { headers, body } = await page();
    expect([body.deviceToken, body.refreshToken]).toEqual([undefined, undefined]);
    const [refresh, device = ""] = headers.getSetCookie();
    expect(refresh).toStartWith("__Host-tenantry_refresh=");
    const [pair = "", ...attributes] = device.split("; ");
    expect(pair).toMatch(/^__Host-tenantry_device=[A-Za-z0-9_-]{64}$/);
    expect(attributes.sort()).toEqual([
      "HttpOnly",
      "Max-Age=7776000",
      "Path=/",
      "SameSite=Strict",
      "Secure",
    ]);
    const address = await spent(app, "login");
    expect(told(await page(undefined, address))).toEqual(REFUSED);
    expect((await page(`other=1; ${pair}`, address)).status).toBe(200);
  });

  test("eight accounts of one browser are known together, and the ninth takes the place of the first", async () => {
    let device = "new";
    const users = [];
    for (let n = 0; n < 9; n++) {
      const user = await makeUser(app);
      device = (await logInFrom(app, { ...user, device })).body.deviceToken;
      users.push(user);
    }
    const seen = [];
    for (const user of users)
      seen.push(
        (await logInFrom(app, { ...user, device, address: await spent(app, "login") })).status,
      );
    expect(seen).toEqual([429, ...Array(8).fill(200)]);
  });

  test("it logs nobody in, and no list or export of sessions tells it", async () => {
    const { id, device, tokens } = await knownUser(app);
    expect((await app.call("GET /v1/auth/me", { token: device })).status).toBe(401);
    const { rows } = await app.deps.pool.query(
      "SELECT device_id FROM sessions WHERE account_id = $1",
      [id],
    );
    for (const route of ["GET /v1/auth/sessions", "GET /v1/auth/me/personal-data"]) {
      const { body } = await app.call(route, { token: tokens.accessToken });
      expect(JSON.stringify(body)).not.toContain(rows[0].device_id);
    }
  });
});
