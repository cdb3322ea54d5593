/** R13: nobody learns by asking which addresses have accounts. */
import { beforeAll, describe, expect, test } from "bun:test";
import {
  type Account,
  createMember,
  proveAddress,
  randomName,
  registerOwner,
  testApp,
} from "../../support/app.ts";
import { textsOf } from "../../support/statements.ts";
import { mailsTo, registration } from "./mails.ts";

const app = testApp();
let owner: Account & { tenantId: string };
/** Addresses by what there is to know of them. */
let addresses: Record<string, string>;
beforeAll(async () => {
  owner = await registerOwner(app);
  const disabled = await createMember(app, owner);
  await app.call(`PATCH /v1/users/${disabled.id}`, {
    token: owner.accessToken,
    json: { status: "disabled" },
  });
  const suspended = await registerOwner(app);
  await app.deps.pool.query("UPDATE tenants SET status = 'suspended' WHERE id = $1", [
    suspended.tenantId,
  ]);
  const known = await createMember(app, owner);
  await proveAddress(app, known);
  addresses = {
    known: known.email,
    disabled: disabled.email,
    suspended: suspended.email,
  };
  await app.mail();
  app.deps.config.emailVerification = "required";
});

type Request = (email: string) => Promise<{ status: number; body: object }>;

/** Asserts that the answer has one form and one course for every address, and gives back the statements. */
async function expectAlike(request: Request): Promise<string[]> {
  let unknown: { form: unknown; statements: string[] } | undefined;
  for (const [kind, email] of Object.entries({ unknown: newAddress(), ...addresses })) {
    let form: unknown;
    const statements = await textsOf(async () => {
      const { status, body } = await request(email);
      const types = Object.entries(body).map(([name, value]) => [name, typeof value]);
      form = [status, types];
    });
    unknown ??= { form, statements };
    expect([kind, form, statements]).toEqual([kind, unknown.form, unknown.statements]);
  }
  return unknown?.statements ?? [];
}

function newAddress(): string {
  return `${randomName()}@unknown.example`;
}

const post = (path: string, json: object) => app.call(`POST /v1/auth/${path}`, { json });

describe("R13: known, unknown, disabled and suspended get one answer after the same statements", () => {
  test.each(["forgot-password", "magic-link"])("at %s, which puts one job in", async (path) => {
    const statements = await expectAlike((email) => post(path, { email }));
    expect(statements).toHaveLength(1);
    expect(statements[0]).toContain("pgboss");
  });

  test("at a registration where addresses are proved first", async () => {
    const statements = await expectAlike((email) => post("register", { ...registration(), email }));
    expect(statements.length).toBeGreaterThan(0);
    expect(statements.join()).not.toContain("users");
  });

  /** Asks for mails, works the jobs off, and then tries a code that is not the one. */
  async function withChallenges(ask: (email: string) => Promise<string>, path: string) {
    const challenges = new Map<string, string>();
    const unknown = newAddress();
    for (const email of [unknown, ...Object.values(addresses)])
      challenges.set(email, await ask(email));
    await app.mail();
    const challengeOf = (email: string) => challenges.get(email) ?? challenges.get(unknown);
    return expectAlike((email) => post(path, { challengeId: challengeOf(email), code: "000000" }));
  }

  test("at a wrong code for logging in", async () => {
    const ask = async (email: string) => (await post("magic-link", { email })).body.challengeId;
    const statements = await withChallenges(ask, "magic-link/verify");
    expect(statements.join()).toContain("attempts + 1");
  });

  test("at a wrong code for completing a registration", async () => {
    const ask = async (email: string) =>
      (await post("register", { ...registration(), email })).body.challengeId;
    const statements = await withChallenges(ask, "register/complete");
    expect(statements.join()).toContain("attempts + 1");
  });
});

test("R13: a change to a taken address takes the same statements as one to a free address", async () => {
  const json = (email: string) => ({ token: owner.accessToken, json: { email } });
  // Each kind of mail has an hour's quota: the first two of the hour are alike.
  const sent: string[][] = [];
  for (const email of [newAddress(), addresses.known ?? ""])
    sent.push(await textsOf(() => app.call("POST /v1/auth/me/email", json(email))));
  expect(sent[0]?.length).toBeGreaterThan(5);
  // A link goes by one queue and a notice by the other, which take the same time.
  const inOneQueue = sent.map((texts) =>
    texts.map((text) => text.replaceAll("'notice'", "'mail'")),
  );
  expect(inOneQueue[1]).toEqual(inOneQueue[0] ?? []);
});

test("R13: only who has an account that is active gets a mail", async () => {
  for (const [kind, email] of Object.entries({ ...addresses, unknown: newAddress() })) {
    const before = await mailsTo(app, email);
    await post("forgot-password", { email });
    expect([kind, await mailsTo(app, email)]).toEqual([kind, before + (kind === "known" ? 1 : 0)]);
  }
});
