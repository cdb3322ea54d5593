/** R70: what a placeholder is: a user whom a tenant has made with the address of somebody who has an account elsewhere. */
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
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";
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

describe("R70: a placeholder", () => {
  /** Somebody with a proved account, on whose address `owner` has a placeholder. */
  async function withPlaceholder() {
    const person = await registerOwner(app);
    await verify(app, person);
    const json = { email: person.email, password: NEW_PASSWORD };
    const { status, body } = await post(owner, "/v1/users", json);
    expect(status).toBe(201);
    return { person, id: String(body.id) };
  }

  test("lets nobody in, and a mail to the address means the account", async () => {
    const { person } = await withPlaceholder();
    expect(await passwordLogin(app, person.email, NEW_PASSWORD)).toBe(401);
    expect((await logIn(app, person.email)).id).toBe(person.id);
    const named = { email: person.email, password: NEW_PASSWORD, tenant: owner.slug };
    expect((await app.call("POST /v1/auth/login", { json: named })).status).toBe(401);
    const { token } = await magicLink(app, person.email);
    const { body } = await app.call("POST /v1/auth/magic-link/verify", { json: { token } });
    expect(body.user.id).toBe(person.id);
  });

  test("gets no mail from what its tenant does, where an account gets one", async () => {
    const { person, id } = await withPlaceholder();
    const before = await mailsTo(app, person.email);
    const answer = await post(owner, `/v1/users/${id}/reset-password`);
    expect([answer.status, await mailsTo(app, person.email)]).toEqual([202, before]);
    const email = newAddress();
    const made = await post(owner, "/v1/users", { email });
    const same = await post(owner, `/v1/users/${made.body.id}/reset-password`);
    expect([same.status, same.body, await mailsTo(app, email)]).toEqual([202, answer.body, 1]);
  });

  test("is no second one within the tenant, however many ask at once", async () => {
    const { person } = await withPlaceholder();
    const { id } = await app.deps.db.user.findFirstOrThrow({
      where: { email: person.email, tenantId: owner.tenantId },
    });
    await app.call(`DELETE /v1/users/${id}`, { token: owner.accessToken });
    const json = { email: person.email };
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => post(owner, "/v1/users", json)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(9).fill(409)]);
  });

  test("makes way for the person who joins", async () => {
    const person = await registerOwner(app);
    const invitation = await invited(app, owner, { email: person.email, roles: ["auditor"] });
    // Made while the invitation was on its way.
    const placeholder = await post(owner, "/v1/users", { email: person.email });
    const successor = await createMember(app, person, ["owner"]);
    expect((await join(app, person, invitation.token)).status).toBe(204);
    expect(successor.tenantId).toBe(person.tenantId);
    const rows = await app.deps.db.user.findMany({
      where: { tenantId: owner.tenantId, email: person.email },
    });
    expect(rows.map(({ id, isDeleted, emailScope }) => [id, isDeleted, emailScope])).toEqual(
      expect.arrayContaining([
        [placeholder.body.id, true, owner.tenantId],
        [person.id, false, null],
      ]),
    );
    expect((await logIn(app, person.email)).tenantId).toBe(owner.tenantId);
  });

  test("is locked before the grants, as every user: of who comes and who changes it none waits in a circle", async () => {
    const gone = await createMember(app, elsewhere);
    const invitation = await invited(app, owner, { email: gone.email });
    const placeholder = await post(owner, "/v1/users", { email: gone.email });
    await app.call(`DELETE /v1/users/${gone.id}`, { token: elsewhere.accessToken });
    const accepted = await commit(app.deps, async (tx) => {
      await tx.$executeRaw`SELECT FROM users WHERE id = ${String(placeholder.body.id)}::uuid FOR UPDATE`;
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

  test("makes way for the person who accepts once they have no account any more", async () => {
    const gone = await createMember(app, elsewhere);
    const invitation = await invited(app, owner, { email: gone.email });
    await post(owner, "/v1/users", { email: gone.email });
    expect((await accept(app, invitation.token)).status).toBe(409);
    await app.call(`DELETE /v1/users/${gone.id}`, { token: elsewhere.accessToken });
    expect((await accept(app, invitation.token)).status).toBe(201);
  });

  test("becomes an account by deletion and restoration, once the address is free", async () => {
    const { person, id } = await withPlaceholder();
    const again = async () => {
      await app.call(`DELETE /v1/users/${id}`, { token: owner.accessToken });
      expect((await post(owner, `/v1/users/${id}/restore`)).status).toBe(200);
      return passwordLogin(app, person.email, NEW_PASSWORD);
    };
    expect(await again()).toBe(401);
    await app.deps.db.user.update({
      where: { id: person.id },
      data: { isDeleted: true, deletedAt: new Date() },
    });
    expect(await again()).toBe(200);
  });

  test("is restored by a platform account only as an account: it is told that the address is taken", async () => {
    const { id } = await withPlaceholder();
    await app.call(`DELETE /v1/users/${id}`, { token: owner.accessToken });
    const answer = await post(root, `/v1/users/${id}/restore`);
    expect(answer).toMatchObject({ status: 409, body: { code: "email_taken" } });
    expect((await post(owner, `/v1/users/${id}/restore`)).status).toBe(200);
  });
});
