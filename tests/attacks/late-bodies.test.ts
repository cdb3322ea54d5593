/** R67, R69, R71: a request that was let in before its session ended, and whose body comes after that. */
import { beforeAll, describe, expect, test } from "bun:test";
import { magicLink, NEW_PASSWORD, passwordLogin, tokenIn } from "../auth/mails/mails.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  PASSWORD,
  randomName,
  registerOwner,
  testApp,
} from "../support/app.ts";

const app = testApp();
let owner: Account & { tenantId: string; slug: string };
let root: Account;
beforeAll(async () => {
  owner = await registerOwner(app);
  root = await createSuperAdmin(app);
});

/** Sends the head of a request; `finish` sends the body. */
async function begun(route: string, { accessToken: token }: Account) {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const headers = { "content-type": "application/json" };
  const answer = app.call(route, { token, body: readable, headers });
  // Long enough for it to be let in, and to wait for its body.
  await Bun.sleep(100);
  return async (json: object) => {
    const writer = writable.getWriter();
    await writer.write(new TextEncoder().encode(JSON.stringify(json))).catch(() => {});
    await writer.close().catch(() => {});
    return answer;
  };
}

/** The person of the address comes, by its mail, after whoever made the account with their own password. */
async function comeByMail(email: string): Promise<void> {
  const { token } = await magicLink(app, email);
  const { status } = await app.call("POST /v1/auth/magic-link/verify", { json: { token } });
  expect(status).toBe(200);
}

const rowOf = ({ id }: { id: string }) => app.deps.db.user.findUniqueOrThrow({ where: { id } });

describe("R69: what was set up before the person's first proof does not come back by a late body", () => {
  test("as a password", async () => {
    const squatter = await registerOwner(app);
    const finish = await begun("POST /v1/auth/change-password", squatter);
    await comeByMail(squatter.email);
    const { status } = await finish({ newPassword: NEW_PASSWORD });
    expect([status, await passwordLogin(app, squatter.email, NEW_PASSWORD)]).toEqual([401, 401]);
  });

  test("as an address", async () => {
    const squatter = await registerOwner(app);
    const evil = `${randomName()}@evil.example`;
    const finish = await begun("POST /v1/auth/me/email", squatter);
    const prove = await begun("POST /v1/auth/me/email/verify", squatter);
    await comeByMail(squatter.email);
    const asked = await finish({ email: evil });
    const mail = (await app.mail()).findLast(({ to }) => to === evil);
    const proved = await prove({ token: mail ? tokenIn(mail) : "x".repeat(43) });
    expect([asked.status, proved.status]).toEqual([401, 401]);
    expect((await rowOf(squatter)).email).toBe(squatter.email);
  });

  test("as an address, by the users routes", async () => {
    const squatter = await registerOwner(app);
    const finish = await begun(`PATCH /v1/users/${squatter.id.toUpperCase()}`, squatter);
    await comeByMail(squatter.email);
    const { status } = await finish({ email: `${randomName()}@evil.example` });
    expect([status, (await rowOf(squatter)).pendingEmail]).toEqual([401, null]);
  });
});

describe("R71: a late body does nothing", () => {
  test("of an admin who was made a member", async () => {
    const admin = await createMember(app, owner, ["admin"]);
    const victim = await createMember(app, owner);
    const finish = await begun(`PATCH /v1/users/${victim.id}`, admin);
    const json = { roles: ["member"] };
    await app.call(`PUT /v1/users/${admin.id}/roles`, { token: owner.accessToken, json });
    expect((await finish({ status: "disabled" })).status).toBe(403);
    expect((await rowOf(victim)).status).toBe("active");
  });

  test("of a tenant that was suspended", async () => {
    const other = await registerOwner(app);
    const victim = await createMember(app, other);
    const finish = await begun(`PATCH /v1/users/${victim.id}`, other);
    const path = `/v1/tenants/${other.tenantId}/suspend`;
    expect((await app.call(`POST ${path}`, { token: root.accessToken })).status).toBe(200);
    expect((await finish({ firstName: "Late" })).status).toBe(401);
    expect((await rowOf(victim)).firstName).not.toBe("Late");
    expect(await passwordLogin(app, other.email, PASSWORD)).toBe(401);
  });
});
