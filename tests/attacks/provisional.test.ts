/** R70: a user whom a tenant has made by the address of somebody who has a shared account: a provisional one (accounts/pool.ts). */
import { beforeAll, describe, expect, test } from "bun:test";
import { commit } from "../../src/db/commit.ts";
import { LOCKS } from "../../src/db/lock-names.ts";
import { magicLink, mailsTo, NEW_PASSWORD, passwordLogin, verify } from "../auth/mails/mails.ts";
import { accept, invited, join } from "../invitations/invitations.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  logIn,
  PASSWORD,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { textsOf } from "../support/statements.ts";
import { until } from "./slow.ts";

type Tenant = Account & { tenantId: string; slug: string };

const app = testApp();
let elsewhere: Tenant;
let owner: Tenant;
let root: Account;
beforeAll(async () => {
  [elsewhere, owner] = [await registerOwner(app), await registerOwner(app)];
  root = await createSuperAdmin(app);
});

const newAddress = () => `${randomName()}@members.example`;
const post = (who: Account, path: string, json: object = {}) =>
  app.call(`POST ${path}`, { token: who.accessToken, json });
const remove = (who: Account, id: string) =>
  app.call(`DELETE /v1/users/${id}`, { token: who.accessToken });

describe("R70: a provisional user", () => {
  /** Somebody with a proved account, whose address `owner` has given to a user. */
  async function withProvisional() {
    const person = await registerOwner(app);
    await verify(app, person);
    const json = { email: person.email, password: NEW_PASSWORD };
    const { status, body } = await post(owner, "/v1/users", json);
    expect(status).toBe(201);
    // So that the newest mail is what a test asks for.
    await app.mail();
    return { person, id: String(body.id) };
  }

  test("logs in to the tenant alone, and the address by itself means the shared account", async () => {
    const { person, id } = await withProvisional();
    expect(await passwordLogin(app, person.email, NEW_PASSWORD)).toBe(401);
    expect((await logIn(app, person.email)).id).toBe(person.id);
    const named = { email: person.email, tenant: owner.slug };
    const logInWith = (password: string) =>
      app.call("POST /v1/auth/login", { json: { ...named, password } });
    expect((await logInWith(NEW_PASSWORD)).body.user.id).toBe(id);
    expect((await logInWith(PASSWORD)).status).toBe(401);
    const { token } = await magicLink(app, person.email);
    const { body } = await app.call("POST /v1/auth/magic-link/verify", { json: { token } });
    expect(body.user.id).toBe(person.id);
  });

  test("takes as many statements as one of whose address nobody has an account, and gets the same answer", async () => {
    const person = await registerOwner(app);
    await verify(app, person);
    const make = async (email: string) => {
      const answers: Awaited<ReturnType<typeof post>>[] = [];
      const texts = await textsOf(async () => {
        answers.push(await post(owner, "/v1/users", { email }));
      });
      const [answer] = answers;
      return [answer?.status, Object.keys(answer?.body).sort(), texts];
    };
    await make(newAddress());
    expect(await make(person.email)).toEqual(await make(newAddress()));
  });

  test("gets the mail of what its tenant does, as any other", async () => {
    const { person, id } = await withProvisional();
    const email = newAddress();
    const made = await post(owner, "/v1/users", { email });
    const [before, none] = [await mailsTo(app, person.email), await mailsTo(app, email)];
    const answer = await post(owner, `/v1/users/${id}/reset-password`);
    const same = await post(owner, `/v1/users/${made.body.id}/reset-password`);
    expect([same.status, same.body]).toEqual([answer.status, answer.body]);
    expect([await mailsTo(app, person.email), await mailsTo(app, email)]).toEqual([
      before + 1,
      none + 1,
    ]);
  });

  test("is no second one within the tenant, however many ask at once, and no account stays behind", async () => {
    const { person, id } = await withProvisional();
    await remove(owner, id);
    const json = { email: person.email };
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => post(owner, "/v1/users", json)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(9).fill(409)]);
    const orphans = await app.deps.db.account.count({ where: { users: { none: {} } } });
    expect(orphans).toBe(0);
  });

  test("is not made beside a user who has the address by a shared account", async () => {
    const person = await registerOwner(app);
    await verify(app, person);
    const { token } = await invited(app, owner, { email: person.email });
    expect((await join(app, person, token)).status).toBe(200);
    expect((await post(owner, "/v1/users", { email: person.email })).body.code).toBe("email_taken");
    const accounts = await app.deps.db.account.count({ where: { email: person.email } });
    expect(accounts).toBe(1);
  });

  test("makes way for the person who joins", async () => {
    const person = await registerOwner(app);
    await verify(app, person);
    const invitation = await invited(app, owner, { email: person.email, roles: ["auditor"] });
    // Made while the invitation was on its way.
    const made = await post(owner, "/v1/users", { email: person.email, password: NEW_PASSWORD });
    expect((await join(app, person, invitation.token)).status).toBe(200);
    const users = await app.deps.db.user.findMany({
      where: { tenantId: owner.tenantId, email: person.email, isDeleted: false },
      select: { id: true, accountId: true },
    });
    expect(users).toEqual([{ id: expect.any(String), accountId: person.id }]);
    const named = { email: person.email, tenant: owner.slug };
    const logInWith = async (password: string) =>
      (await app.call("POST /v1/auth/login", { json: { ...named, password } })).status;
    expect([await logInWith(PASSWORD), await logInWith(NEW_PASSWORD)]).toEqual([200, 401]);
    expect(made.status).toBe(201);
  });

  test("is locked before the grants, as every user: of who comes and who changes it none waits in a circle", async () => {
    const gone = await createMember(app, elsewhere);
    const invitation = await invited(app, owner, { email: gone.email });
    const made = await post(owner, "/v1/users", { email: gone.email });
    await remove(elsewhere, gone.id);
    const accepted = await commit(app.deps, async (tx) => {
      const id = String(made.body.id);
      await tx.$executeRaw`SELECT FROM accounts WHERE id = ${id}::uuid FOR UPDATE`;
      await tx.$executeRaw`SELECT FROM users WHERE id = ${id}::uuid FOR UPDATE`;
      const accepted = accept(app, invitation.token);
      await until(async () => {
        const { rows } = await app.deps.pool.query(
          "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        );
        return rows.length > 0;
      });
      await tx.$executeRaw`
        SELECT pg_advisory_xact_lock(${LOCKS.grants}::int, hashtext(${owner.tenantId}))`;
      return { accepted };
    });
    expect((await accepted.accepted).status).toBe(201);
  });

  test("of two tenants lets the person accept an invitation of one, without a word of the other", async () => {
    const there = await createMember(app, elsewhere);
    const invitation = await invited(app, owner, { email: there.email });
    await post(owner, "/v1/users", { email: there.email });
    expect((await accept(app, invitation.token)).status).toBe(201);
    expect((await app.call("GET /v1/auth/me", { token: there.accessToken })).status).toBe(200);
  });
});

describe("R70: a user of a shared account who is brought back, when somebody else has the address", () => {
  /** Somebody who came to `owner` by an invitation, was deleted, and whose address another person has registered since. */
  async function replaced() {
    const { email, token } = await invited(app, owner);
    const { body } = await accept(app, token);
    await remove(owner, body.user.id);
    const slug = randomName();
    const json = { email, password: NEW_PASSWORD, tenant: { name: slug, slug } };
    const other = await app.call("POST /v1/auth/register", { json });
    expect(other.status).toBe(201);
    return { id: String(body.user.id), email, other: other.body.user.id };
  }

  test("comes back in the tenant's own pool, without what the person of before had set up", async () => {
    const { id, email, other } = await replaced();
    const { status, body } = await post(owner, `/v1/users/${id}/restore`);
    expect([status, body.email]).toEqual([200, email]);
    const { account } = await app.deps.db.user.findUniqueOrThrow({
      where: { id },
      include: { account: true },
    });
    expect(account).toMatchObject({
      poolId: owner.tenantId,
      passwordHash: null,
      emailVerifiedAt: null,
    });
    const named = { email, password: PASSWORD, tenant: owner.slug };
    expect((await app.call("POST /v1/auth/login", { json: named })).status).toBe(401);
    expect((await logIn(app, email, NEW_PASSWORD)).id).toBe(other);
  });

  test("a platform account is told that the address is taken", async () => {
    const { id } = await replaced();
    const answer = await post(root, `/v1/users/${id}/restore`);
    expect(answer).toMatchObject({ status: 409, body: { code: "email_taken" } });
    expect((await post(owner, `/v1/users/${id}/restore`)).status).toBe(200);
  });
});
