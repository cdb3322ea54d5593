/** Every limit has a setting, and what many people share may have more. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Environment } from "../../src/config/environment.ts";
import { LIMITS } from "../../src/config/limits.ts";
import { POLICIES, type PolicyName } from "../../src/rate-limits/policies.ts";
import { PASSWORD, registerOwner, testApp } from "../support/app.ts";
import { from, makeUser, newAddress, tryPassword } from "./callers.ts";

const OFFICE = "203.0.113.7";
const SCHOOL = "2001:db8:5c00::/40";
const PUPIL = "2001:db8:5c99::1";

const app = testApp({
  RATE_LIMITS: "database",
  TRUSTED_PROXY_HOPS: "1",
  ...Object.fromEntries(
    Object.keys(LIMITS).map((name, n) => [
      `RATE_LIMIT_${name.toUpperCase()}`,
      `${n + 3}/${n + 60}`,
    ]),
  ),
  LARGE_NETWORKS: `${OFFICE}, ${SCHOOL}`,
  LARGE_NETWORK_FACTOR: "4",
});

/** How many attempts of one caller pass. */
async function passing(policy: PolicyName, who: string): Promise<number> {
  for (let n = 0; ; n++) {
    const refused = await app.deps.rateLimits.consume(policy, who).catch((err) => err);
    if (refused instanceof Error) return n;
  }
}

test("the page of settings has every limit with its default", () => {
  const page = readFileSync(join(import.meta.dir, "../../docs/reference/configuration.md"), "utf8");
  const told = [...page.matchAll(/^\| `(RATE_LIMIT_[A-Z_]+)` \| `([^`]+)` \|/gm)];
  const names = Object.keys(LIMITS).map((name) => `RATE_LIMIT_${name.toUpperCase()}`);
  expect(told.map(([, name]) => name)).toEqual(names);
  for (const [, name = "", text] of told) {
    const schema = new Map(Object.entries(Environment.shape)).get(name);
    expect([name, schema?.parse(undefined)]).toEqual([name, text]);
  }
});

describe("R72: each setting is what is counted by", () => {
  const names = Object.keys(POLICIES) as PolicyName[];
  test.each(names)("of %s", async (policy) => {
    const { quota } = app.deps.config.limits[policy];
    expect(quota).not.toBe(POLICIES[policy].quota);
    expect(await passing(policy, newAddress())).toBe(quota);
    const { windowSeconds } = await app.deps.rateLimits.consume(policy, newAddress());
    expect(windowSeconds).toBe(app.deps.config.limits[policy].windowSeconds);
  });

  test.each(names)(
    "of %s, four times as much in a large network if it is the network's",
    async (policy) => {
      const { quota } = app.deps.config.limits[policy];
      const isOfNetwork = "ofNetwork" in POLICIES[policy];
      for (const network of [OFFICE, "2001:db8:5c12:1::/64"])
        expect([network, await passing(policy, network)]).toEqual([
          network,
          isOfNetwork ? 4 * quota : quota,
        ]);
      for (const network of ["203.0.113.8", "2001:db8:5d00:1::/64", "unknown"])
        expect([network, await passing(policy, network)]).toEqual([network, quota]);
    },
  );

  test("guesses at one account are no more in a large network", async () => {
    const { email } = await makeUser(app);
    const { quota } = app.deps.config.limits.guess;
    for (let n = 0; n < quota; n++)
      expect((await tryPassword(app, PUPIL, email, "wrong")).status).toBe(401);
    const { status, body, headers } = await tryPassword(app, PUPIL, email);
    expect([status, body["violated-policies"]]).toEqual([429, ["guess"]]);
    expect(headers.get("ratelimit-policy")).toBe(`"guess";q=${quota};w=61`);
  });

  test("of the links of one account: beyond it no mail is sent", async () => {
    const { email } = await makeUser(app);
    const { quota } = app.deps.config.limits.links;
    for (let n = 0; n <= quota + 1; n++)
      await app.call("POST /v1/auth/forgot-password", {
        json: { email },
        headers: from(newAddress()),
      });
    const sent = (await app.mail()).filter(({ to }) => to === email);
    // A mailbox has one more, by whatever accounts.
    expect([sent.length, app.deps.config.limits.proof_mail.quota > quota]).toEqual([quota, true]);
  });
});

describe("the defaults", () => {
  const usual = testApp({ RATE_LIMITS: "database", TRUSTED_PROXY_HOPS: "1" });

  test("a school of 500 behind one address asks for a link each, and nobody is held off", async () => {
    const headers = from(newAddress());
    const ask = (n: number) =>
      usual.call(n % 2 ? "POST /v1/auth/magic-link" : "POST /v1/auth/forgot-password", {
        json: { email: `pupil${n}@limits.example` },
        headers,
      });
    const statuses = await Promise.all(
      Array.from({ length: 500 }, async (_, n) => (await ask(n)).status),
    );
    expect(new Set(statuses)).toEqual(new Set([202]));
  });

  test("one account gets five of them, from however many networks they are asked for", async () => {
    const { email } = await makeUser(usual);
    for (let n = 0; n < 8; n++)
      await usual.call("POST /v1/auth/magic-link", {
        json: { email },
        headers: from(newAddress()),
      });
    expect((await usual.mail()).filter(({ to }) => to === email)).toHaveLength(5);
  });

  test("RFC 6052: one client of NAT64 holds off no other, and is known again by IPv4", async () => {
    const { email } = await makeUser(usual);
    for (let n = 0; n < 10; n++)
      expect((await tryPassword(usual, "64:ff9b::198.51.100.1", email, "wrong")).status).toBe(401);
    expect((await tryPassword(usual, "64:ff9b::c633:6401", email)).status).toBe(429);
    expect((await tryPassword(usual, "198.51.100.1", email)).status).toBe(429);
    expect((await tryPassword(usual, "64:ff9b::198.51.100.2", email)).status).toBe(200);
  });
});

describe("the lockout", () => {
  const strict = testApp({
    TRUSTED_PROXY_HOPS: "1",
    LOCKOUT_ATTEMPTS: "3",
    LOCKOUT_MOST_ATTEMPTS: "5",
    LOCKOUT_SECONDS: "100",
    LOCKOUT_LONGEST_SECONDS: "150",
  });
  const lockOf = async (id: string) => {
    const { rows } = await strict.deps.pool.query(
      "SELECT login_attempts AS attempts, round(extract(epoch FROM locked_until - now()))::int AS seconds FROM accounts WHERE id = $1",
      [id],
    );
    return rows[0];
  };
  const over = (id: string) =>
    strict.deps.pool.query(
      "UPDATE accounts SET created_at = now() - interval '1 day', locked_until = now() - interval '1 second' WHERE id = $1",
      [id],
    );

  test("R12: begins, grows and ends as the settings say, and its owner is told", async () => {
    const { id, email } = await makeUser(strict);
    const guess = async (password = "wrong") =>
      (await tryPassword(strict, newAddress(), email, password)).status;
    const seen = [];
    for (let n = 1; n <= 5; n++) {
      expect(await guess()).toBe(401);
      seen.push(await lockOf(id));
      if (n >= 3) {
        expect(await guess(PASSWORD)).toBe(401);
        await over(id);
      }
    }
    expect(seen).toEqual([
      { attempts: 1, seconds: null },
      { attempts: 2, seconds: null },
      { attempts: 3, seconds: 100 },
      { attempts: 4, seconds: 150 },
      { attempts: 5, seconds: 150 },
    ]);
    expect(await guess(PASSWORD)).toBe(401);
    const told = (await strict.mail()).filter((mail) => mail.to === email);
    expect(told.map(({ subject }) => subject.includes("locked"))).toEqual([true, true]);
  });

  test("in a session too: a stolen access token has no more guesses", async () => {
    const owner = await registerOwner(strict);
    for (let n = 0; n < 5; n++) {
      await strict.as(owner, "POST /v1/auth/reauthenticate", { password: "wrong" });
      await over(owner.id);
    }
    const right = await strict.as(owner, "POST /v1/auth/reauthenticate", { password: PASSWORD });
    expect([right.status, (await lockOf(owner.id)).attempts]).toEqual([422, 5]);
  });
});
