/** R74: nobody floods a mailbox through us. */
import { beforeAll, describe, expect, test } from "bun:test";
import { createQueueBudget, mailboxOf } from "../../src/mail/budget.ts";
import { codeIn, mailsTo, tokenIn } from "../auth/mails/mails.ts";
import { from, makeUser, newAddress } from "../rate-limits/callers.ts";
import {
  type Account,
  createTestApp,
  logIn,
  PASSWORD,
  proveAddress,
  randomName,
  type TestApp,
  testApp,
} from "../support/app.ts";

const FLOOD = 40;

/** From an address of its own each time: no limit of a network stands in the way. */
function strangers(
  times: number,
  ask: (headers: Record<string, string>, n: number) => Promise<{ status: number }>,
) {
  const tries = Array.from({ length: times }, (_, n) => ask(from(newAddress()), n));
  return Promise.all(tries).then((answers) => [...new Set(answers.map(({ status }) => status))]);
}

async function rows(app: TestApp, queue: string): Promise<number> {
  const { rows } = await app.deps.pool.query(
    "SELECT count(*)::int AS n FROM pgboss.job WHERE name = $1",
    [queue],
  );
  return rows[0].n;
}

describe("a flood", () => {
  const app = testApp({ TRUSTED_PROXY_HOPS: "1", RATE_LIMITS: "database" });
  let owners: Account[];
  beforeAll(async () => {
    owners = [];
    for (let n = 0; n < 16; n++) {
      const name = randomName();
      const json = {
        email: `owner@${name}.example`,
        password: PASSWORD,
        tenant: { name, slug: name },
      };
      const { body } = await app.call("POST /v1/auth/register", {
        json,
        headers: from(newAddress()),
      });
      owners.push({ ...body, ...body.user });
    }
    await app.mail();
    await app.deps.pool.query("DELETE FROM pgboss.job");
  });

  async function logInOften({ email }: Account): Promise<number[]> {
    return strangers(FLOOD, (headers, n) =>
      app.call("POST /v1/auth/login", {
        json: { email, password: PASSWORD },
        headers: { ...headers, "tenantry-device": `Device ${n}` },
      }),
    );
  }

  test("R74: log-ins with ever new devices tell an address that was never proved nothing", async () => {
    const [victim] = owners as [Account];
    const before = await rows(app, "notice");
    expect(await logInOften(victim)).toEqual([200]);
    expect(await rows(app, "notice")).toBe(before);
    expect(
      (await app.mail()).filter(
        ({ to, subject }) => to === victim.email && subject.startsWith("New log-in"),
      ),
    ).toEqual([]);
  });

  test("R74: one that was proved hears of five an hour, and the queue holds no more than twenty", async () => {
    const [, victim] = owners as [Account, Account];
    await proveAddress(app, victim);
    const before = await rows(app, "notice");
    expect(await logInOften(victim)).toEqual([200]);
    expect((await rows(app, "notice")) - before).toBeWithin(5, 21);
    expect(await mailsTo(app, victim.email)).toBe(1 + 5);
    // The budget is of the kind: what else happens is told all the same.
    const { accessToken: token } = await logIn(app, victim.email);
    const json = { currentPassword: PASSWORD, newPassword: `${PASSWORD} renewed` };
    expect((await app.call("POST /v1/auth/change-password", { token, json })).status).toBe(204);
    expect((await app.lastMailTo(victim.email)).subject).toBe("Your password was changed");
  });

  test("R74: the invitations of many tenants to one mailbox, by whatever of its addresses, share one budget, and no answer tells", async () => {
    const name = randomName();
    const senders = owners.slice(2);
    const statuses = await strangers(senders.length, (headers, n) => {
      const email = n % 2 ? `${name}@mailbox.example` : `${name}+${n}@mailbox.example`;
      return app.call("POST /v1/invitations", {
        token: senders[n]?.accessToken ?? "",
        json: { email },
        headers,
      });
    });
    expect(statuses).toEqual([201]);
    const mails = (await app.mail()).filter(({ to }) => to.startsWith(name));
    expect(mails).toHaveLength(10);
  });

  test("R74: nor do changes of many accounts to one address bring more than that", async () => {
    const email = `${randomName()}@mailbox.example`;
    const senders = owners.slice(2);
    const statuses = await strangers(senders.length, (headers, n) =>
      app.call("POST /v1/auth/me/email", {
        token: senders[n]?.accessToken ?? "",
        json: { email },
        headers,
      }),
    );
    expect(statuses).toEqual([202]);
    const { length } = (await app.mail()).filter(({ to }) => to === email);
    expect(length).toBeWithin(1, 11);
  });

  test("R74: links asked for from everywhere: as many rows as a few, and the person who asks twice gets both", async () => {
    const [, , victim] = owners as [Account, Account, Account];
    const json = { email: victim.email };
    const { challengeId } = (
      await app.call("POST /v1/auth/magic-link", { json, headers: from(newAddress()) })
    ).body;
    const first = await app.lastMailTo(victim.email);
    await app.call("POST /v1/auth/magic-link", { json, headers: from(newAddress()) });
    expect(tokenIn(await app.lastMailTo(victim.email))).not.toBe(tokenIn(first));
    expect(challengeId).toBeString();
    expect(codeIn(first)).toHaveLength(6);
    for (const path of ["magic-link", "forgot-password"]) {
      const before = await rows(app, "mail_request");
      expect(
        await strangers(100, (headers) => app.call(`POST /v1/auth/${path}`, { json, headers })),
      ).toEqual([202]);
      expect((await rows(app, "mail_request")) - before).toBeLessThan(21);
    }
    expect(await mailsTo(app, victim.email)).toBe(1 + 5 + 5);
  });

  test("R74: an account's address hears that it was tried once it was proved; before, a mail opens the account", async () => {
    const required = await createTestApp({
      TRUSTED_PROXY_HOPS: "1",
      RATE_LIMITS: "database",
      EMAIL_VERIFICATION: "required",
    });
    try {
      const [proved, unproved] = [await makeUser(required), await makeUser(required)];
      await proveAddress(required, proved);
      const register = (email: string) =>
        strangers(12, (headers) => {
          const name = randomName();
          return required.call("POST /v1/auth/register", {
            json: { email, password: PASSWORD, tenant: { name, slug: name } },
            headers,
          });
        });
      expect(await register(proved.email)).toEqual([202]);
      expect(await register(unproved.email)).toEqual([202]);
      const mails = await required.mail();
      const subjectsTo = (email: string) =>
        mails.filter(({ to }) => to === email).map(({ subject }) => subject);
      expect(subjectsTo(proved.email)).toEqual(Array(5).fill("You have an account already"));
      expect(new Set(subjectsTo(unproved.email))).toEqual(new Set(["Log in to Tenantry"]));
    } finally {
      await required.close();
    }
  });
});

test("R74: what is queued is bounded for each mailbox and kind, and begins anew with the hour", () => {
  let now = Date.UTC(2026, 0, 31, 12);
  const mayQueue = createQueueBudget({ rateLimits: "database" }, () => now);
  const queued = (what: string, address: string, times = 800) =>
    Array.from({ length: times }, () => mayQueue(what, address)).filter(Boolean).length;
  expect(queued("new_device", "ada@example.com")).toBe(20);
  expect(queued("magic_link", "ada@example.com")).toBe(20);
  expect(queued("new_device", "bob@example.com", 3)).toBe(3);
  now += 3_600_000;
  expect(queued("new_device", "ada@example.com")).toBe(20);
});

test.each([
  ["ada@example.com", "ada@example.com"],
  ["ada+1@example.com", "ada@example.com"],
  ["ada+1+2@example.com", "ada@example.com"],
  ["+ada@example.com", "+ada@example.com"],
  ["a.d.a+x@gmail.com", "ada@gmail.com"],
  ["a.da@googlemail.com", "ada@gmail.com"],
  ["a.da@example.com", "a.da@example.com"],
])("R74: %s is an address of the mailbox %s", (address, mailbox) => {
  expect(mailboxOf(address)).toBe(mailbox);
});
