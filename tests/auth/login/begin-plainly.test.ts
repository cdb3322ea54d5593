/** Most log-ins are written in one packet; what they leave is what the long way leaves, and it is taken by nobody else. */
import { beforeAll, expect, test } from "bun:test";
import { hash } from "@node-rs/argon2";
import { newId } from "../../../src/db/id.ts";
import { type Account, PASSWORD, registerOwner, testApp } from "../../support/app.ts";
import { textsOf } from "../../support/statements.ts";

const app = testApp({ SESSION_LIMIT: "4", TRUSTED_PROXY_HOPS: "1" });
let foreign: string;
beforeAll(async () => {
  foreign = await hash(PASSWORD, { algorithm: 2, memoryCost: 8192, timeCost: 1, parallelism: 1 });
});

type Headers = Record<string, string>;
const HERE = {
  "x-forwarded-for": "192.0.2.7",
  "user-agent": "Mozilla/5.0 (X11; Linux) Firefox/140.0",
};

async function logIn({ email }: Account, headers: Headers = HERE) {
  let answer = { status: 0, body: {} as Record<string, unknown> };
  const sent = await textsOf(async () => {
    answer = await app.call("POST /v1/auth/login", {
      json: { email, password: PASSWORD },
      headers,
    });
  });
  // The long way ends with a COMMIT of its own.
  return { ...answer, isPlain: !sent.includes("COMMIT") };
}

const TABLES = {
  sessions: "account_id = $1",
  refresh_tokens: "session_id IN (SELECT id FROM sessions WHERE account_id = $1)",
  session_users: "user_id = $1",
  audit_log: "resource_id IN (SELECT id FROM sessions WHERE account_id = $1)",
  users: "id = $1",
  accounts: "id = $1",
};
const OWN = /^[0-9a-f]{8}-|^\$argon2|^\\x|^\d{4}-\d\d-\d\dT|@|^[\w.-]{43,}$/;

/** All that there is of an account, with its own ids, times and secrets left out. */
async function rowsOf({ id }: Account) {
  const entries = Object.entries(TABLES).map(async ([table, where]) => {
    const { rows } = await app.deps.pool.query(
      `SELECT to_jsonb(t) AS row FROM ${table} AS t WHERE ${where} ORDER BY created_at, id`.replace(
        table === "session_users" ? ", id" : "\0",
        "",
      ),
      [id],
    );
    return [table, rows.map(({ row }) => blank(row))];
  });
  return Object.fromEntries(await Promise.all(entries));
}

function blank(value: unknown): unknown {
  if (typeof value === "string") return OWN.test(value) ? "own" : value;
  if (Array.isArray(value)) return value.map(blank);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, blank(each)]));
}

/** How long what has begun lasts, in seconds. */
async function lastingOf({ id }: Account) {
  const { rows } = await app.deps.pool.query(
    `SELECT extract(epoch FROM idle_expires_at - created_at)::int AS idle, extract(epoch FROM expires_at - created_at)::int AS most
     FROM sessions WHERE account_id = $1 ORDER BY created_at, id`,
    [id],
  );
  return rows;
}

test.each([{}, { sessionIdleSeconds: 600, sessionMaxSeconds: 1200, mfaRequired: true }])(
  "one packet and the long way leave the same rows, and answer the same, with settings %p",
  async (settings) => {
    const left = [];
    for (const passwordHash of [undefined, foreign]) {
      const owner = await registerOwner(app);
      await logIn(owner);
      await app.deps.db.tenant.update({
        where: { id: owner.tenantId as string },
        data: { settings },
      });
      await app.deps.db.account.update({
        where: { id: owner.id },
        data: { loginAttempts: 3, ...(passwordHash !== undefined && { passwordHash }) },
      });
      const { status, isPlain, body } = await logIn(owner);
      expect([status, isPlain]).toEqual([200, passwordHash === undefined]);
      left.push({
        body: blank(body),
        rows: await rowsOf(owner),
        lasting: await lastingOf(owner),
      });
    }
    const [plain, long] = left;
    expect(plain).toEqual(long);
    expect(plain?.rows).toMatchObject({ accounts: [{ login_attempts: 0 }] });
  },
);

const MORE: Record<string, (owner: Account) => Promise<unknown>> = {
  "a second factor": ({ id }) =>
    app.deps.db.totpFactor.create({
      data: { id: newId(), accountId: id, secret: Buffer.from("sealed"), confirmedAt: new Date() },
    }),
  "a device that is new": ({ id }) =>
    app.deps.pool.query("UPDATE sessions SET device_name = 'another' WHERE account_id = $1", [id]),
  "one session too many": async (owner) => {
    for (let n = 0; n < 3; n += 1) await logIn(owner);
  },
  "a hash that is not ours": ({ id }) =>
    app.deps.db.account.update({ where: { id }, data: { passwordHash: foreign } }),
};

for (const [what, change] of Object.entries(MORE))
  test(`${what} takes the long way, and is seen to`, async () => {
    const owner = await registerOwner(app);
    await logIn(owner);
    expect((await logIn(owner)).isPlain).toBe(true);
    await change(owner);
    const { status, isPlain } = await logIn(owner);
    expect([status, isPlain]).toEqual([200, false]);
  });

/** Looks at the account as a log-in does, and has `change` happen before it is locked. */
async function logInWhile(owner: Account, change: () => Promise<unknown>) {
  const { passwords } = app.deps;
  const { verify } = passwords;
  passwords.verify = async (...given) => {
    passwords.verify = verify;
    const matches = await verify(...given);
    await change();
    return matches;
  };
  return logIn(owner);
}

test("settings that change while the hash is computed are those of the session", async () => {
  const owner = await registerOwner(app);
  await logIn(owner);
  const { isPlain, status } = await logInWhile(owner, () =>
    app.deps.db.tenant.update({
      where: { id: owner.tenantId as string },
      data: { settings: { sessionIdleSeconds: 300 } },
    }),
  );
  expect([status, isPlain]).toEqual([200, false]);
  expect((await lastingOf(owner)).at(-1)).toMatchObject({ idle: 300 });
});

test("nothing is written for an account that was not locked", async () => {
  const owner = await registerOwner(app);
  await logIn(owner);
  const before = await rowsOf(owner);
  const { status } = await logInWhile(owner, () =>
    app.deps.pool.query(
      "UPDATE accounts SET login_attempts = 1000, locked_until = now() + interval '1 hour' WHERE id = $1",
      [owner.id],
    ),
  );
  expect(status).toBe(401);
  expect((await rowsOf(owner)).sessions).toEqual(before.sessions);
});
