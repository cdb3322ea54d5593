/** R77, R78: a stranger with a tenant adds the address of somebody who has an account elsewhere, by every way there is. */
import { beforeAll, describe, expect, test } from "bun:test";
import { tokenIn } from "../auth/mails/mails.ts";
import { VECTORS } from "../crypto/imported-hashes.ts";
import { invite, join } from "../invitations/invitations.ts";
import { type Account, PASSWORD, randomName, registerOwner, testApp } from "../support/app.ts";
import { goTo, type Owner } from "../support/memberships.ts";
import { lines, NDJSON, sendImport } from "../users/imports.ts";
import { changesBy, isIn, makeVictim, toldOf, type Victim } from "./victims.ts";

const app = testApp();
let mallory: Owner;
beforeAll(async () => {
  mallory = await registerOwner(app);
});

const as = (who: Pick<Account, "accessToken">, route: string, json?: object) =>
  app.as(who, route, json);
const logIn = (email: string, password: string, tenant?: string) =>
  app.call("POST /v1/auth/login", { json: { email, password, ...(tenant && { tenant }) } });

const THEIRS = "what the stranger has set here";

describe("R77: a stranger who adds the address of an account", () => {
  /** An answer, but for what is another one each time. */
  const plain = (body: Record<string, unknown>) => {
    const { id: _, email: __, createdAt: ___, updatedAt: ____, expiresAt: _____, ...rest } = body;
    return rest;
  };

  test("by an invitation hears what they hear of an address that nobody has", async () => {
    const victim = await makeVictim(app);
    const { email } = victim.home;
    const known = await invite(app, mallory, { email, roles: ["admin"] });
    const unknown = await invite(app, mallory, { roles: ["admin"] });
    expect([known.status, plain(known.body)]).toEqual([201, plain(unknown.body)]);
  });

  test("by POST /v1/users sets a password for their own tenant alone", async () => {
    const victim = await makeVictim(app);
    const { email } = victim.home;
    const json = { email, password: THEIRS, roles: ["admin"] };
    const changes = await changesBy(app, victim, async () => {
      const known = await as(mallory, "POST /v1/users", json);
      const unknown = await as(mallory, "POST /v1/users", {
        ...json,
        email: `${randomName()}@x.example`,
      });
      expect([known.status, plain(known.body)]).toEqual([201, plain(unknown.body)]);
    });
    expect(changes).toEqual([]);
    expect((await logIn(email, THEIRS)).status).toBe(401);
    expect((await logIn(email, THEIRS, victim.home.slug)).status).toBe(401);
    await expectOpensOnlyTheirs(victim);
  });

  test("by an import with a hash and a word that it is proved has neither believed", async () => {
    const victim = await makeVictim(app);
    const { email } = victim.home;
    const hash = await app.deps.passwords.hash(THEIRS);
    const text = lines({ email, passwordHash: hash, emailVerified: true, roles: ["admin"] });
    const changes = await changesBy(app, victim, async () => {
      const { body } = await sendImport(app, mallory, text, { type: NDJSON });
      expect(body).toMatchObject({ created: 1, unproved: 1 });
      expect(toldOf(victim, body)).toEqual([]);
    });
    expect(changes).toEqual([]);
    expect((await logIn(email, THEIRS)).status).toBe(401);
    await expectOpensOnlyTheirs(victim);
  });

  test("by a bulk of users with hashes has them believed as little", async () => {
    const victim = await makeVictim(app);
    const { email } = victim.home;
    const items = [{ email, passwordHash: VECTORS["bcrypt 2b"], roles: ["admin"] }];
    const changes = await changesBy(app, victim, async () => {
      const { body } = await as(mallory, "POST /v1/users/bulk", { operation: "create", items });
      expect(body.results).toMatchObject([{ status: 201 }]);
      expect(toldOf(victim, body)).toEqual([]);
    });
    expect(changes).toEqual([]);
    expect((await logIn(email, PASSWORD)).body.user.id).toBe(victim.home.id);
  });

  test("keeps no way in once the person joins with their own account", async () => {
    const victim = await makeVictim(app);
    const { email } = victim.home;
    await as(mallory, "POST /v1/users", { email, password: THEIRS, roles: ["admin"] });
    const squatter = (await logIn(email, THEIRS, mallory.slug)).body;
    const mail = await app.lastMailTo(email);
    expect((await join(app, victim.home, tokenIn(mail))).status).toBe(200);
    expect((await logIn(email, THEIRS, mallory.slug)).status).toBe(401);
    expect(await isIn(app, squatter)).toBe(false);
    for (const tenantId of [undefined, mallory.tenantId, victim.home.tenantId]) {
      const json = { refreshToken: squatter.refreshToken, tenantId };
      expect((await app.call("POST /v1/auth/refresh", { json })).status).toBe(401);
    }
    const here = await goTo(app, victim.home, mallory.tenantId);
    expect(here.id).toBe(squatter.user.id);
  });

  /** Whoever logs in with what mallory has set is somebody of that tenant, and of no other. */
  async function expectOpensOnlyTheirs({ home }: Victim): Promise<void> {
    const { status, body } = await logIn(home.email, THEIRS, mallory.slug);
    expect([status, body.user?.tenantId]).toEqual([200, mallory.tenantId]);
    const { items } = (await as(body, "GET /v1/auth/me/tenants")).body;
    expect(items.map(({ tenant }: { tenant: { id: string } }) => tenant.id)).toEqual([
      mallory.tenantId,
    ]);
    const json = { refreshToken: body.refreshToken, tenantId: home.tenantId };
    expect((await app.call("POST /v1/auth/refresh", { json })).status).toBe(404);
  }
});
