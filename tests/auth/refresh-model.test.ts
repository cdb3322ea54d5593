/** The life of a session's tokens, against a model: whatever clients, thieves and clocks do, in whatever order. */
import { beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { hashToken } from "../../src/crypto/secret.ts";
import { newId } from "../../src/db/id.ts";
import { type Owner, twoTenants } from "../sessions/joined.ts";
import { type Account, createSuperAdmin, PASSWORD, testApp } from "../support/app.ts";

/** One wait is well within the window and two are well beyond it: how long the requests take does not matter. */
const GRACE_SECONDS = 60;
const WAIT_SECONDS = 40;

const app = testApp({ REFRESH_GRACE_SECONDS: String(GRACE_SECONDS) });
let root: Account;
let tenants: Record<"home" | "other", { tenantId: string; userId: string }>;
let person: Owner;
beforeAll(async () => {
  root = await createSuperAdmin(app);
  const two = await twoTenants(app);
  person = two.person;
  tenants = {
    home: { tenantId: person.tenantId, userId: person.id },
    other: { tenantId: two.other.tenantId, userId: two.there },
  };
});

type Name = keyof typeof tenants;
type Named = Name | "strange" | undefined;
/** What a refresh must answer: the index of the token and for which tenant; or the refusal. */
type Expected = { index: number; name: Name } | 401 | 404;

/** What should be true of one session: its chain of tokens, when each was used, for whom it speaks, and whether it goes on. */
class Model {
  now = 0;
  live = true;
  /** Seconds at which the n-th token was used; undefined for the last one. */
  usedAt: (number | undefined)[] = [undefined];
  /** In which tenants it has spoken, the last one at the end, and in which ones it may no more. */
  spoken: Name[] = ["home"];
  ended = new Set<Name>();

  refresh(index: number, named: Named): Expected {
    const used = this.usedAt[index];
    if (!this.live) {
      // A token of a session that ended is spent too, and gets no successor.
      this.usedAt[index] ??= this.now;
      return 401;
    }
    if (used !== undefined && this.now - used > GRACE_SECONDS) {
      this.live = false;
      return 401;
    }
    const name = named ?? this.spoken.findLast((each) => !this.ended.has(each)) ?? "other";
    if (name === "strange" || this.ended.has(name)) return 404;
    this.spoken = [...this.spoken.filter((each) => each !== name), name];
    this.usedAt[index] ??= this.now;
    if (used === undefined) this.usedAt.push(undefined);
    return { index: index + 1, name };
  }

  /** Whether there was something to end. */
  end(name: Name): boolean {
    if (!this.live || this.ended.has(name) || !this.spoken.includes(name)) return false;
    this.ended.add(name);
    this.live = this.ended.size < 2;
    return true;
  }
}

/** The session itself. */
type Real = { sessionId: string; accessTokens: Map<Name, string>; tokens: string[] };

type Step =
  | { do: "refresh"; age: number; named: Named }
  | { do: "refresh at once"; age: number; named: Named; times: number }
  | { do: "wait" }
  | { do: "end"; name: Name }
  | { do: "logout" };

/** `age` 0 is the newest token, 1 the one before it, and so on. */
const age = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(4));
const named = fc.constantFrom<Named[]>(undefined, undefined, undefined, "home", "other", "strange");
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("refresh" as const), age, named }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("refresh at once" as const),
      age,
      named,
      times: fc.integer({ min: 2, max: 5 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("wait" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("end" as const),
      name: fc.constantFrom<Name[]>("home", "other"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("logout" as const) }) },
);

type Refresh = { age: number; named: Named; times: number };

async function refresh(model: Model, real: Real, { age, named, times }: Refresh) {
  const at = Math.max(0, real.tokens.length - 1 - age);
  await setAges(model, real);
  const expected = model.refresh(at, named);
  const tenantId =
    named === undefined ? undefined : named === "strange" ? newId() : tenants[named].tenantId;
  const json = { refreshToken: real.tokens[at], tenantId };
  const answers = await Promise.all(
    Array.from({ length: times }, () => app.call("POST /v1/auth/refresh", { json })),
  );
  for (const { status, body } of answers) {
    expect(status).toBe(typeof expected === "number" ? expected : 200);
    if (typeof expected === "number") continue;
    real.tokens[expected.index] ??= body.refreshToken;
    expect(body.refreshToken).toBe(real.tokens[expected.index]);
    expect(body.user.id).toBe(tenants[expected.name].userId);
    expect(await sessionOf(body.accessToken)).toBe(real.sessionId);
    real.accessTokens.set(expected.name, body.accessToken);
  }
}

async function endIn(model: Model, real: Real, name: Name) {
  const path = `/v1/users/${tenants[name].userId}/sessions/${real.sessionId}`;
  const { status } = await app.as(root, `DELETE ${path}`);
  expect(status).toBe(model.end(name) ? 204 : 404);
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

/** By any token that still goes; without one it is nobody's to end. */
async function logOut(model: Model, real: Real) {
  for (const [name, token] of real.accessTokens) {
    const goesOn = model.live && !model.ended.has(name);
    const { status } = await app.call("POST /v1/auth/logout", { token });
    expect([name, status]).toEqual([name, goesOn ? 204 : 401]);
    if (goesOn) model.live = false;
  }
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
  for (const [name, token] of real.accessTokens) {
    const goesOn = model.live && !model.ended.has(name);
    const { status } = await app.call("GET /v1/auth/me", { token });
    expect([name, status]).toEqual([name, goesOn ? 200 : 401]);
  }
}

test("R33, R34: the tokens of a session behave as the model says", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      const login = { email: person.email, password: PASSWORD, tenant: person.slug };
      const { body } = await app.call("POST /v1/auth/login", { json: login });
      const real: Real = {
        sessionId: await sessionOf(body.accessToken),
        accessTokens: new Map([["home", body.accessToken]]),
        tokens: [body.refreshToken],
      };
      const model = new Model();
      for (const step of steps) {
        if (step.do === "refresh") await refresh(model, real, { ...step, times: 1 });
        else if (step.do === "refresh at once") await refresh(model, real, step);
        else if (step.do === "wait") model.now += WAIT_SECONDS;
        else if (step.do === "end") await endIn(model, real, step.name);
        else await logOut(model, real);
        await compare(model, real);
      }
    }),
    { numRuns: 30 },
  );
});
