import { beforeAll, expect, test } from "bun:test";
import { createMember, PASSWORD, registerOwner, testApp } from "../../support/app.ts";
import { textsOf } from "../../support/statements.ts";

/** Of each kind. A hash that is left out shows at once; on a busy machine it takes more to see that none is. */
const RUNS = 30;
const MOST_RUNS = 240;

const app = testApp();
/** What to send to be refused, by why it is refused. */
let attempts: Record<string, { email: string; password: string }>;
beforeAll(async () => {
  const owner = await registerOwner(app);
  const disabled = await createMember(app, owner);
  await app.call(`PATCH /v1/users/${disabled.id}`, {
    token: owner.accessToken,
    json: { status: "disabled" },
  });
  const locked = await createMember(app, owner);
  await app.deps.db.account.update({
    where: { id: locked.id },
    data: { lockedUntil: new Date(Date.now() + 600_000) },
  });
  const unverified = await createMember(app, owner);
  attempts = {
    unknown: { email: "nobody@example.com", password: PASSWORD },
    "wrong password": { email: owner.email, password: "wrong" },
    locked: { email: locked.email, password: PASSWORD },
    disabled: { email: disabled.email, password: PASSWORD },
    unverified: { email: unverified.email, password: PASSWORD },
  };
  await app.deps.pool.query("UPDATE accounts SET email_verified_at = now() WHERE id <> $1", [
    unverified.id,
  ]);
  // Only now: in such an installation nobody could have been registered as simply as this.
  app.deps.config.emailVerification = "required";
});

async function attempt(kind: string) {
  const { status } = await app.call("POST /v1/auth/login", { json: attempts[kind] });
  expect(status).toBe(401);
}

test("R13: a refused login sends the database the same statements, whyever it is refused", async () => {
  const sent: Record<string, string[]> = {};
  for (const kind of Object.keys(attempts)) {
    const texts = await textsOf(() => attempt(kind));
    // The owner of an unproved address gets a mail: that job is put in beside the answer, which does not wait for it.
    sent[kind] = texts.filter((text) => !text.includes("pgboss"));
  }
  expect(sent.unknown?.length).toBeGreaterThanOrEqual(4);
  for (const texts of Object.values(sent)) expect(texts).toEqual(sent.unknown ?? []);
});

test("R13: the time of a refused login does not tell why it is refused", async () => {
  const millis = new Map(Object.keys(attempts).map((kind) => [kind, [] as number[]]));
  for (let runs = RUNS; ; runs += RUNS) {
    await measure(millis);
    const medians = [...millis.values()].map(median);
    const spread = Math.max(...medians) / Math.min(...medians) - 1;
    if (spread < 0.25) return;
    if (runs >= MOST_RUNS) throw new Error(`medians in ms: ${[...millis.keys()]}: ${medians}`);
  }
}, 120_000);

async function measure(millis: Map<string, number[]>) {
  for (let run = 0; run < RUNS; run++) {
    // Never ten failures in a row; and in turns, so that whatever else the machine does falls on all kinds alike.
    await app.deps.pool.query("UPDATE accounts SET login_attempts = 0");
    for (const [kind, times] of millis) {
      const start = performance.now();
      await attempt(kind);
      times.push(performance.now() - start);
    }
  }
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
