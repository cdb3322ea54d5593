/** Administrators see and end the sessions of others (ASVS 5.0, 7.4.5). */
import { describe, expect, test } from "bun:test";
import { newId } from "../../src/db/id.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  logIn,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { createMemberWith } from "./routes.ts";

const app = testApp();

async function sessionsOf({ id }: Account, { accessToken: token }: Account, query = "") {
  return (await app.call(`GET /v1/users/${id}/sessions${query}`, { token })).body;
}

async function me({ accessToken }: Account): Promise<number> {
  return (await app.call("GET /v1/auth/me", { token: accessToken })).status;
}

async function currentId({ accessToken }: Account): Promise<string> {
  const { body } = await app.call("GET /v1/auth/sessions", { token: accessToken });
  return body.items.find(({ current }: { current: boolean }) => current).id;
}

function auditOf(id: string) {
  return app.deps.db.auditLog.findMany({
    where: { action: "user.sessions_ended", resourceId: id },
    orderBy: { id: "asc" },
    select: { actorId: true, tenantId: true, outcome: true, details: true },
  });
}

describe("R37: an administrator", () => {
  test("sees what the user sees, page by page, and which session is their own", async () => {
    const owner = await registerOwner(app);
    const member = await createMember(app, owner);
    await logIn(app, member.email);
    const own = (await app.call("GET /v1/auth/sessions", { token: member.accessToken })).body.items;
    const seen = await sessionsOf(member, owner);
    expect(seen.nextCursor).toBeNull();
    expect(seen.items).toEqual(own.map((item: object) => ({ ...item, current: false })));
    const first = await sessionsOf(member, owner, "?limit=1");
    const rest = await sessionsOf(member, owner, `?limit=1&cursor=${first.nextCursor}`);
    expect([...first.items, ...rest.items]).toEqual(seen.items);
    expect((await sessionsOf(owner, owner)).items).toMatchObject([{ current: true }]);
  });

  test("ends one session of a user, at once, and no other", async () => {
    const owner = await registerOwner(app);
    const member = await createMember(app, owner);
    const other = await logIn(app, member.email);
    const id = await currentId(other);
    const { status, body } = await app.call(`DELETE /v1/users/${member.id}/sessions/${id}`, {
      token: owner.accessToken,
    });
    expect([status, body]).toEqual([204, ""]);
    expect([await me(other), await me(member), await me(owner)]).toEqual([401, 200, 200]);
    expect(await app.deps.db.session.findUniqueOrThrow({ where: { id } })).toMatchObject({
      revokedReason: "ended_by_admin",
    });
    expect(await auditOf(member.id)).toEqual([
      { actorId: owner.id, tenantId: owner.tenantId, outcome: "success", details: { ended: 1 } },
    ]);
  });

  test("ends all sessions of a user, who can log in again", async () => {
    const owner = await registerOwner(app);
    const member = await createMember(app, owner);
    const other = await logIn(app, member.email);
    const end = () =>
      app.call(`DELETE /v1/users/${member.id}/sessions`, { token: owner.accessToken });
    expect((await end()).status).toBe(204);
    expect([await me(member), await me(other), await me(owner)]).toEqual([401, 401, 200]);
    const json = { refreshToken: other.refreshToken };
    expect((await app.call("POST /v1/auth/refresh", { json })).status).toBe(401);
    expect(await auditOf(member.id)).toMatchObject([{ details: { ended: 2 } }]);
    expect(await me(await logIn(app, member.email))).toBe(200);
  });

  test("of the platform ends those of every tenant", async () => {
    const root = await createSuperAdmin(app);
    const owner = await registerOwner(app);
    const { status } = await app.call(`DELETE /v1/users/${owner.id}/sessions`, {
      token: root.accessToken,
    });
    expect([status, await me(owner)]).toEqual([204, 401]);
    expect(await auditOf(owner.id)).toMatchObject([{ actorId: root.id, tenantId: owner.tenantId }]);
  });

  test("may end their own, this one too", async () => {
    const owner = await registerOwner(app);
    const { status } = await app.call(`DELETE /v1/users/${owner.id}/sessions`, {
      token: owner.accessToken,
    });
    expect([status, await me(owner)]).toEqual([204, 401]);
  });
});

describe("R59: who may not end a session", () => {
  test("a peer who may do less than its user: 403, and it goes on", async () => {
    const owner = await registerOwner(app);
    const admin = await createMemberWith(app, owner, ["session:read", "session:revoke"]);
    for (const path of ["", `/${await currentId(owner)}`]) {
      const { status, body } = await app.call(`DELETE /v1/users/${owner.id}/sessions${path}`, {
        token: admin.accessToken,
      });
      expect([status, body.code]).toEqual([403, "permission_denied"]);
    }
    expect(await me(owner)).toBe(200);
    expect(await auditOf(owner.id)).toEqual([]);
    // Seeing is not changing.
    expect((await sessionsOf(owner, admin)).items).toHaveLength(1);
    const member = await createMember(app, owner, []);
    const ended = await app.call(`DELETE /v1/users/${member.id}/sessions`, {
      token: admin.accessToken,
    });
    expect([ended.status, await me(member)]).toEqual([204, 401]);
  });

  test("one of another user, an ended one, and what is no session, are one and the same 404", async () => {
    const owner = await registerOwner(app);
    const [member, colleague] = [await createMember(app, owner), await createMember(app, owner)];
    const stranger = await registerOwner(app);
    const ended = await logIn(app, member.email);
    const endedId = await currentId(ended);
    await app.call("POST /v1/auth/logout", { token: ended.accessToken });
    const problems = new Set<string>();
    for (const id of [
      await currentId(colleague),
      await currentId(stranger),
      endedId,
      newId(),
      "x",
      "%00",
    ]) {
      const { status, body } = await app.call(`DELETE /v1/users/${member.id}/sessions/${id}`, {
        token: owner.accessToken,
      });
      expect([status, body.code]).toEqual([404, "not_found"]);
      problems.add(JSON.stringify({ ...body, instance: "" }));
    }
    expect(problems.size).toBe(1);
    for (const account of [member, colleague, stranger]) expect(await me(account)).toBe(200);
    expect(await auditOf(member.id)).toEqual([]);
  });

  test("of a user of another tenant it is the 404 of an absent user, though the session be right", async () => {
    const [owner, stranger] = [await registerOwner(app), await registerOwner(app)];
    const own = await currentId(stranger);
    for (const [method, path] of [
      ["GET", ""],
      ["DELETE", ""],
      ["DELETE", `/${own}`],
    ]) {
      const answers = await Promise.all(
        [stranger.id, newId()].map((id) =>
          app.call(`${method} /v1/users/${id}/sessions${path}`, { token: owner.accessToken }),
        ),
      );
      const [foreign, absent] = answers.map(({ status, body }) => ({
        status,
        body: { ...body, instance: "" },
      }));
      expect(foreign).toMatchObject({ status: 404, body: { code: "not_found" } });
      expect(foreign).toEqual(absent);
    }
    expect(await me(stranger)).toBe(200);
  });

  test("of a deleted user there are none", async () => {
    const owner = await registerOwner(app);
    const member = await createMember(app, owner);
    await app.call(`DELETE /v1/users/${member.id}`, { token: owner.accessToken });
    for (const method of ["GET", "DELETE"]) {
      const { status } = await app.call(`${method} /v1/users/${member.id}/sessions`, {
        token: owner.accessToken,
      });
      expect(status).toBe(404);
    }
  });

  test("twenty at once end a session once", async () => {
    const owner = await registerOwner(app);
    const member = await createMember(app, owner);
    const route = `DELETE /v1/users/${member.id}/sessions/${await currentId(member)}`;
    const ends = Array.from({ length: 20 }, () => app.call(route, { token: owner.accessToken }));
    const statuses = (await Promise.all(ends)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 204)).toHaveLength(1);
    expect(statuses.filter((status) => status === 404)).toHaveLength(19);
    expect(await auditOf(member.id)).toHaveLength(1);
  });
});
