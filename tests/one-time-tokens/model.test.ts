/** One-time tokens against a small model of what they promise, over random histories. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { randomToken } from "../../src/crypto/secret.ts";
import { commit } from "../../src/db/commit.ts";
import { type IssuedToken, issueOneTimeToken } from "../../src/one-time-tokens/issue.ts";
import { findByCode, findToken, useToken } from "../../src/one-time-tokens/redeem.ts";
import { registerOwner, testApp } from "../support/app.ts";

const PURPOSES = ["magic_link", "reset_password", "mfa"] as const;
type Purpose = (typeof PURPOSES)[number];

const app = testApp();

/** What the model knows of a token. */
type Known = IssuedToken & {
  purpose: Purpose;
  challenge: string;
  open: boolean;
  wrongTries: number;
  ageMinutes: number;
  payload: number;
};

type World = { user: { id: string; tenantId: string }; tokens: Known[] };

/** One step: changes the database and the model, and compares what both say. `n` picks the token. */
type Step =
  | { do: "issue"; purpose: Purpose; payload: number }
  | { do: "redeem"; n: number; as: Purpose }
  | { do: "code"; n: number; wrong: boolean; as: Purpose; challengeOf: number }
  | { do: "age"; minutes: number }
  | { do: "new password" };

const purpose = fc.constantFrom(...PURPOSES);
const n = fc.nat(5);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("issue" as const), purpose, payload: fc.nat(99) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("redeem" as const), n, as: purpose }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("code" as const),
      n,
      wrong: fc.boolean(),
      as: purpose,
      challengeOf: n,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("age" as const), minutes: fc.constantFrom(6, 11) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("new password" as const) }) },
);

const LINK_MINUTES = 15;
const CODE_MINUTES = 10;

async function take(world: World, step: Step): Promise<void> {
  switch (step.do) {
    case "issue":
      return issue(world, step.purpose, step.payload);
    case "redeem": {
      const known = pick(world, step.n);
      const good = known.open && known.purpose === step.as && known.ageMinutes < LINK_MINUTES;
      expect(await redeemLink(step.as, known.token)).toEqual(good ? known.payload : null);
      if (good) known.open = false;
      return;
    }
    case "code":
      return tryCode(world, step);
    case "age":
      await app.deps.pool.query(
        "UPDATE one_time_tokens SET created_at = created_at - make_interval(mins => $1), expires_at = expires_at - make_interval(mins => $1)",
        [step.minutes],
      );
      for (const known of world.tokens) known.ageMinutes += step.minutes;
      return;
    case "new password":
      await app.deps.pool.query("UPDATE accounts SET password_hash = $2 WHERE id = $1", [
        world.user.id,
        randomToken(),
      ]);
      for (const known of world.tokens) known.open = false;
  }
}

async function issue({ user, tokens }: World, purpose: Purpose, payload: number): Promise<void> {
  const challenge = randomToken();
  const issued = await commit(app.deps, (tx) =>
    issueOneTimeToken(tx, app.deps, {
      purpose,
      user,
      challenge,
      withCode: true,
      payload,
      ttlSeconds: LINK_MINUTES * 60,
    }),
  );
  // Of log-ins that wait for their second factor there may be several.
  if (purpose !== "mfa")
    for (const known of tokens) if (known.purpose === purpose) known.open = false;
  tokens.push({ ...issued, purpose, challenge, payload, open: true, wrongTries: 0, ageMinutes: 0 });
}

async function tryCode(world: World, step: Extract<Step, { do: "code" }>): Promise<void> {
  const { code } = pick(world, step.n);
  const known = pick(world, step.challengeOf);
  const typed = step.wrong ? String((Number(code) + 1) % 1_000_000).padStart(6, "0") : String(code);
  const found = await findByCode(
    app.deps.db,
    app.deps,
    [step.as],
    { challenge: known.challenge },
    typed,
  );
  const looked = known.open && known.purpose === step.as && known.ageMinutes < CODE_MINUTES;
  const good = looked && typed === known.code;
  expect(found?.payload ?? null).toEqual(good ? known.payload : null);
  if (good && found) {
    expect(await commit(app.deps, (tx) => useToken(tx, found))).toBe(true);
    expect(await commit(app.deps, (tx) => useToken(tx, found))).toBe(false);
    known.open = false;
  } else if (looked) {
    known.wrongTries += 1;
    known.open = known.wrongTries < 5;
  }
}

async function redeemLink(purpose: Purpose, token: string): Promise<unknown> {
  const found = await findToken(app.deps.db, app.deps, [purpose], token);
  return found && (await commit(app.deps, (tx) => useToken(tx, found))) ? found.payload : null;
}

function pick({ tokens }: World, n: number): Known {
  const known = tokens[tokens.length - 1 - (n % tokens.length)];
  if (!known) throw new Error("no token to pick");
  return known;
}

test("R15, R22: no history makes a token good twice, too late, elsewhere, or after five wrong codes", async () => {
  const { id, tenantId } = await registerOwner(app);
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
      await app.deps.pool.query("DELETE FROM one_time_tokens");
      const world: World = { user: { id, tenantId }, tokens: [] };
      await issue(world, "magic_link", 0);
      for (const next of steps) await take(world, next);
      const open = await app.deps.db.oneTimeToken.findMany({
        where: { usedAt: null },
        select: { id: true },
        orderBy: { id: "asc" },
      });
      const expected = world.tokens.filter((known) => known.open).map((known) => known.id);
      expect(open.map((row) => row.id)).toEqual(expected.sort());
    }),
    { numRuns: 60 },
  );
}, 120_000);

test("R15: what is drawn has 256 random bits, and only its hash is stored", async () => {
  const { id, tenantId } = await registerOwner(app);
  const issued = await Promise.all(
    Array.from({ length: 20 }, () =>
      commit(app.deps, (tx) =>
        issueOneTimeToken(tx, app.deps, {
          purpose: "mfa",
          user: { id, tenantId },
          ttlSeconds: 60,
          challenge: randomToken(),
          withCode: true,
          payload: { secret: "payload-in-the-clear" },
        }),
      ),
    ),
  );
  expect(new Set(issued.map(({ token }) => token)).size).toBe(20);
  for (const { token, code } of issued) {
    expect(Buffer.from(token, "base64url")).toHaveLength(32);
    expect(code).toMatch(/^\d{6}$/);
  }
  const { rows } = await app.deps.pool.query("SELECT t::text AS row FROM one_time_tokens AS t");
  const text = rows.map(({ row }) => row).join("\n");
  for (const { token } of issued) {
    expect(text).not.toContain(token);
    expect(text).not.toContain(Buffer.from(token, "base64url").toString("hex"));
  }
  expect(text).not.toContain(Buffer.from("payload-in-the-clear").toString("hex"));
});
