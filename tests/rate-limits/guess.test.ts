/** Guessing the password of one account from one address. */
import { describe, expect, spyOn, test } from "bun:test";
import { createApp } from "../../src/app.ts";
import { PASSWORD, testApp } from "../support/app.ts";
import { textsOf } from "../support/statements.ts";
import { from, makeUser, newAddress, passTime, tryPassword } from "./callers.ts";

const app = testApp({
  RATE_LIMITS: "database",
  TRUSTED_PROXY_HOPS: "1",
  DATABASE_POOL_SIZE: "20",
});

/** Wrong passwords one after the other; the last answer. */
async function guess(times: number, address: string, email: string) {
  let answer = await tryPassword(app, address, email, "wrong");
  for (let n = 1; n < times; n++) answer = await tryPassword(app, address, email, "wrong");
  return answer;
}

const GUESSES = ["guess"];

describe("R12: guesses at an account from one address", () => {
  test("the eleventh in a minute is a 429, the right password too, whether the account exists or not", async () => {
    const { email } = await makeUser(app);
    const answers = [];
    for (const name of [email, "nobody@limits.example"]) {
      const address = newAddress();
      for (let n = 1; n <= 10; n++)
        expect((await tryPassword(app, address, name, "wrong")).status).toBe(401);
      const { status, headers, body } = await tryPassword(app, address, name);
      expect([status, body["violated-policies"]]).toEqual([429, GUESSES]);
      expect(Number(headers.get("retry-after"))).toBeWithin(55, 61);
      expect(headers.get("ratelimit-policy")).toBe('"guess";q=10;w=60');
      expect(headers.get("ratelimit")).toMatch(/^"guess";r=0;t=(5[5-9]|60)$/);
      answers.push({ ...body, instance: "" });
    }
    expect(answers[0]).toEqual(answers[1]);
  });

  test("whoever goes on is held off twice as long each time, 15 minutes at most, by the guesses alone", async () => {
    const { email } = await makeUser(app);
    const address = newAddress();
    const seconds: number[] = [];
    for (let round = 0; round < 6; round++) {
      const { status, headers } = await guess(11, address, email);
      expect(status).toBe(429);
      const wait = Number(headers.get("retry-after"));
      // Who is held off is told the time that is left, and does not prolong it.
      const again = await tryPassword(app, address, email, "wrong");
      expect(Number(again.headers.get("retry-after"))).toBeWithin(wait - 3, wait + 1);
      seconds.push(wait);
      await passTime(app, "guess");
      await passTime(app, "login");
    }
    expect(seconds).toEqual([60, 120, 240, 480, 900, 900]);
  });

  test("hold off no other address, and no other account", async () => {
    const [one, other] = [await makeUser(app), await makeUser(app)];
    const address = newAddress();
    expect((await guess(11, address, one.email)).status).toBe(429);
    expect((await tryPassword(app, newAddress(), one.email)).status).toBe(200);
    expect((await tryPassword(app, address, other.email)).status).toBe(200);
    expect((await tryPassword(app, address, one.email)).status).toBe(429);
  });

  test("begin anew with a right password, and so does the hold-off", async () => {
    const { email } = await makeUser(app);
    const address = newAddress();
    await guess(11, address, email);
    await passTime(app, "guess");
    for (let round = 0; round < 3; round++) {
      expect((await guess(9, address, email)).status).toBe(401);
      expect((await tryPassword(app, address, email)).status).toBe(200);
      await passTime(app, "login");
    }
    const { headers } = await guess(11, address, email);
    expect(headers.get("retry-after")).toBe("60");
  });

  test("fifty at once, the right one among them: ten passwords are looked at", async () => {
    const { email } = await makeUser(app);
    const address = newAddress();
    // None is answered before all have come: a right answer would begin the budget anew.
    const refused = Promise.withResolvers<void>();
    const { verify } = app.deps.passwords;
    const verifying = spyOn(app.deps.passwords, "verify").mockImplementation(async (...given) => {
      await refused.promise;
      return verify(...given);
    });
    try {
      let limited = 0;
      const tries = Array.from({ length: 50 }, async (_, n) => {
        const { status } = await tryPassword(
          app,
          address,
          email,
          n === 4 ? PASSWORD : `wrong ${n}`,
        );
        if (status === 429) limited += 1;
        if (limited === 40) refused.resolve();
        return status;
      });
      const statuses = await Promise.all(tries);
      expect(verifying).toHaveBeenCalledTimes(10);
      expect(statuses.filter((status) => status === 429)).toHaveLength(40);
    } finally {
      verifying.mockRestore();
    }
  });

  test("R13: cost the same statements whether there is an account or not, let in and held off", async () => {
    const { email } = await makeUser(app);
    const sent: string[][] = [];
    for (const name of [email, "no-one@limits.example"]) {
      const address = newAddress();
      for (const times of [1, 9, 1, 1]) {
        const texts = await textsOf(() => guess(times, address, name));
        sent.push(texts.filter((text) => text !== "SELECT 1"));
      }
    }
    expect(sent.slice(0, 4)).toEqual(sent.slice(4));
    // Held off, an account is not even looked for.
    expect(sent[0]?.some((text) => text.includes("password_hash"))).toBe(true);
    expect([...(sent[2] ?? []), ...(sent[3] ?? [])].join()).not.toMatch(/users|audit_log/);
  });

  test("have one budget, with the tenant named or not", async () => {
    const address = newAddress();
    const attempt = (tenant?: string) =>
      app.call("POST /v1/auth/login", {
        json: { email: "both@limits.example", password: "wrong", ...(tenant && { tenant }) },
        headers: from(address),
      });
    for (let n = 0; n < 10; n++)
      expect((await attempt(n % 2 ? "acme" : undefined)).status).toBe(401);
    expect([(await attempt("acme")).status, (await attempt()).status]).toEqual([429, 429]);
  });

  test("are counted for an IPv6 subscriber as a whole, and R14: by nothing that the caller writes", async () => {
    const { email } = await makeUser(app);
    const network = `2001:db8:${Math.floor(Math.random() * 65_536).toString(16)}:1`;
    const spellings = ["::1", ":0:0:0:2", ":a:B:c:D", "::ffff:1.2.3.4"];
    for (let n = 0; n < 10; n++) {
      const address = `${network}${spellings[n % spellings.length]}`;
      expect((await tryPassword(app, `6.6.6.${n}, ${address}`, email, "wrong")).status).toBe(401);
    }
    expect((await tryPassword(app, `7.7.7.7, ${network}::9`, email)).status).toBe(429);
    expect((await tryPassword(app, network.replace(/1$/, "2::9"), email)).status).toBe(200);
  });

  test("R14: are counted by the connection where no proxy is trusted, whatever X-Forwarded-For says", async () => {
    const { email } = await makeUser(app);
    const direct = createApp(
      { ...app.deps, config: { ...app.deps.config, trustedProxyHops: 0 } },
      [],
    );
    const socket = newAddress();
    const attempt = async (address: string, forwarded: string) => {
      const headers = { "content-type": "application/json", ...from(forwarded) };
      const body = JSON.stringify({ email, password: "wrong" });
      const init = { method: "POST", headers, body };
      const server = { requestIP: () => ({ address }) };
      return (await direct.request("/v1/auth/login", init, server)).status;
    };
    for (let n = 0; n < 10; n++) expect(await attempt(socket, newAddress())).toBe(401);
    expect(await attempt(`::ffff:${socket}`, newAddress())).toBe(429);
    // Nobody else is held off by what a forger writes.
    expect(await attempt(newAddress(), socket)).toBe(401);
  });
});
