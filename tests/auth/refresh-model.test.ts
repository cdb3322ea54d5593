/** The life of a session's tokens, against a model: whatever clients, thieves and clocks do, in whatever order. */
import { beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { hashToken } from "../../src/crypto/secret.ts";
import { PASSWORD, registerOwner, testApp } from "../support/app.ts";

/** One wait is well within the window and two are well beyond it: how long the requests take does not matter. */
const GRACE_SECONDS = 60;
const WAIT_SECONDS = 40;

const app = testApp({ REFRESH_GRACE_SECONDS: String(GRACE_SECONDS) });
let owner: Awaited<ReturnType<typeof registerOwner>>;
beforeAll(async () => {
  owner = await registerOwner(app);
});

/** What should be true of one session: its chain of tokens, when each was used, and whether it goes on. */
class Model {
  now = 0;
  live = true;
  /** Seconds at which the n-th token was used; undefined for the last one. */
  usedAt: (number | undefined)[] = [undefined];

  /** The index of the token that a refresh with the n-th one must answer; null when it must be refused. */
  refresh(index: number): number | null {
    const used = this.usedAt[index];
    // A token of a session that ended is spent too, and gets no successor.
    this.usedAt[index] ??= this.now;
    if (!this.live) return null;
    if (used === undefined) this.usedAt.push(undefined);
    else if (this.now - used > GRACE_SECONDS) {
      this.live = false;
      return null;
    }
    return index + 1;
  }
}

/** The session itself. */
type Real = { sessionId: string; accessToken: string; tokens: string[] };

type Step =
  | { do: "refresh"; age: number }
  | { do: "refresh at once"; age: number; times: number }
  | { do: "wait" }
  | { do: "logout" };

/** `age` 0 is the newest token, 1 the one before it, and so on. */
const age = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(4));
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("refresh" as const), age }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("refresh at once" as const),
      age,
      times: fc.integer({ min: 2, max: 5 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("wait" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("logout" as const) }) },
);

async function refresh(model: Model, real: Real, { age, times }: { age: number; times: number }) {
  const index = Math.max(0, real.tokens.length - 1 - age);
  await setAges(model, real);
  const expected = model.refresh(index);
  const json = { refreshToken: real.tokens[index] };
  const answers = await Promise.all(
    Array.from({ length: times }, () => app.call("POST /v1/auth/refresh", { json })),
  );
  for (const { status, body } of answers) {
    expect(status).toBe(expected === null ? 401 : 200);
    if (expected === null) continue;
    real.tokens[expected] ??= body.refreshToken;
    expect(body.refreshToken).toBe(real.tokens[expected]);
    expect(await sessionOf(body.accessToken)).toBe(real.sessionId);
  }
}

async function sessionOf(accessToken: string) {
  return (await app.deps.accessTokens.verify(accessToken)).sessionId;
}

/** Makes each use as old as the model has it: the time that the test itself takes does not count. */
async function setAges(model: Model, real: Real) {
  await app.deps.pool.query(
    `UPDATE refresh_tokens SET used_at = now() - make_interval(secs => age)
     FROM unnest($1::bytea[], $2::float8[]) AS used (hash, age) WHERE token_hash = hash AND used_at IS NOT NULL`,
    [real.tokens.map(hashToken), model.usedAt.map((at) => model.now - (at ?? model.now))],
  );
}

/** What must be true after every step, whatever it was. */
async function compare(model: Model, real: Real) {
  const { rows } = await app.deps.pool.query(
    `SELECT token_hash, used_at IS NOT NULL AS used, sessions.revoked_at IS NULL AS live
     FROM refresh_tokens JOIN sessions ON sessions.id = session_id WHERE session_id = $1`,
    [real.sessionId],
  );
  const stored = new Map(rows.map(({ token_hash, used }) => [token_hash.toString("hex"), used]));
  expect(stored).toEqual(
    new Map(
      real.tokens.map((token, n) => [
        hashToken(token).toString("hex"),
        model.usedAt[n] !== undefined,
      ]),
    ),
  );
  expect(rows[0].live).toBe(model.live);
  expect((await app.call("GET /v1/auth/me", { token: real.accessToken })).status).toBe(
    model.live ? 200 : 401,
  );
}

test("R33, R34: the tokens of a session behave as the model says", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      const login = { email: owner.email, password: PASSWORD };
      const { body } = await app.call("POST /v1/auth/login", { json: login });
      const real: Real = {
        sessionId: await sessionOf(body.accessToken),
        accessToken: body.accessToken,
        tokens: [body.refreshToken],
      };
      const model = new Model();
      for (const step of steps) {
        if (step.do === "refresh") await refresh(model, real, { ...step, times: 1 });
        else if (step.do === "refresh at once") await refresh(model, real, step);
        else if (step.do === "wait") model.now += WAIT_SECONDS;
        else {
          await app.call("POST /v1/auth/logout", { token: real.accessToken });
          model.live = false;
        }
        await compare(model, real);
      }
    }),
    { numRuns: 30 },
  );
}, 60_000);
