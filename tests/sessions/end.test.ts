import { describe, expect, test } from "bun:test";
import { type Account, createMember, logIn, registerOwner, testApp } from "../support/app.ts";

const app = testApp();

type Item = { id: string; current: boolean };
type Tokens = Pick<Account, "accessToken" | "refreshToken">;

const ENDED = [401, 401];
const LIVE = [200, 200];

async function list(
  { accessToken }: Tokens,
  query = "",
): Promise<{ items: Item[]; nextCursor: string | null }> {
  return (await app.call(`GET /v1/auth/sessions${query}`, { token: accessToken })).body;
}

async function currentId(account: Tokens): Promise<string> {
  return (await list(account)).items.find(({ current }) => current)?.id ?? "";
}

/** How the two tokens of a session are answered. */
async function answers({ accessToken, refreshToken }: Tokens) {
  const me = await app.call("GET /v1/auth/me", { token: accessToken });
  const next = await app.call("POST /v1/auth/refresh", { json: { refreshToken } });
  return [me.status, next.status];
}

function auditOf(userId: string, action: string) {
  return app.deps.db.auditLog.findMany({
    where: { actorId: userId, action },
    orderBy: { id: "asc" },
  });
}

describe("R37: ending a session", () => {
  test("of one's own ends its tokens, no other session's, and is audited", async () => {
    const owner = await registerOwner(app);
    const other = await logIn(app, owner.email);
    const id = await currentId(other);
    const { status } = await app.call(`DELETE /v1/auth/sessions/${id}`, {
      token: owner.accessToken,
    });
    expect(status).toBe(204);
    expect([await answers(other), await answers(owner)]).toEqual([ENDED, LIVE]);
    expect(await auditOf(owner.id, "session.ended")).toMatchObject([
      { resourceId: id, tenantId: owner.tenantId },
    ]);
  });

  test("that asks is a logout", async () => {
    const owner = await registerOwner(app);
    const id = await currentId(owner);
    expect(
      (await app.call(`DELETE /v1/auth/sessions/${id}`, { token: owner.accessToken })).status,
    ).toBe(204);
    expect(await answers(owner)).toEqual(ENDED);
  });

  test("of somebody else is the same 404 as an absent one, and ends nothing", async () => {
    const owner = await registerOwner(app);
    const colleague = await createMember(app, owner);
    const stranger = await registerOwner(app);
    const ended = await logIn(app, owner.email);
    const endedId = await currentId(ended);
    await app.call("POST /v1/auth/logout", { token: ended.accessToken });

    const absent = "00000000-0000-7000-8000-000000000000";
    const problems: string[] = [];
    for (const id of [
      await currentId(colleague),
      await currentId(stranger),
      endedId,
      absent,
      "x",
      "%00",
    ]) {
      const { status, body } = await app.call(`DELETE /v1/auth/sessions/${id}`, {
        token: owner.accessToken,
      });
      const { instance: _, ...problem } = body;
      expect({ status, code: problem.code }).toEqual({ status: 404, code: "not_found" });
      problems.push(JSON.stringify(problem));
    }
    expect(new Set(problems).size).toBe(1);
    expect([await answers(colleague), await answers(stranger)]).toEqual([LIVE, LIVE]);
    expect(await auditOf(owner.id, "session.ended")).toEqual([]);
  });
});

describe("R37: ending the other sessions", () => {
  test("keeps the one that asks and everybody else's, and is audited", async () => {
    const owner = await registerOwner(app);
    const others = [await logIn(app, owner.email), await logIn(app, owner.email)];
    const colleague = await createMember(app, owner);
    const end = () => app.call("DELETE /v1/auth/sessions", { token: owner.accessToken });
    const { status, body } = await end();
    expect([status, body]).toEqual([204, ""]);
    for (const other of others) expect(await answers(other)).toEqual(ENDED);
    expect([await answers(owner), await answers(colleague)]).toEqual([LIVE, LIVE]);
    // Where there is none it is done too, and says nothing to the audit log.
    expect((await end()).status).toBe(204);
    expect(await auditOf(owner.id, "session.others_ended")).toMatchObject([
      { tenantId: owner.tenantId, details: { ended: 2 }, outcome: "success" },
    ]);
  });
});

describe("R37: after a log-in that is too long ago", () => {
  /** The same session, as if its user had proved longer ago who they are. */
  async function aged(account: Account, seconds: number): Promise<Tokens> {
    const { accessTokens } = app.deps;
    const claims = await accessTokens.verify(account.accessToken);
    const authenticatedAt = Math.floor(Date.now() / 1000) - seconds;
    return {
      ...account,
      accessToken: (await accessTokens.sign({ ...claims, authenticatedAt })).token,
    };
  }

  test.each([
    "DELETE /v1/auth/sessions",
    "DELETE /v1/auth/sessions/:id",
    "POST /v1/auth/logout-all",
  ])("%s is refused with the challenge of RFC 9470, and ends nothing", async (route) => {
    const owner = await registerOwner(app);
    const other = await logIn(app, owner.email);
    const call = async (seconds: number) =>
      app.call(route.replace(":id", await currentId(other)), {
        token: (await aged(owner, seconds)).accessToken,
      });
    const { status, body, headers } = await call(605);
    expect([status, body.code]).toEqual([401, "reauthentication_required"]);
    expect(headers.get("www-authenticate")).toBe(
      'Bearer realm="tenantry", error="insufficient_user_authentication", max_age="600"',
    );
    expect(await answers(other)).toEqual(LIVE);
    expect((await call(590)).status).toBe(204);
  });

  test("one may still log out, see one's sessions and go on", async () => {
    const owner = await aged(await registerOwner(app), 30 * 86_400);
    expect((await list(owner)).items).toHaveLength(1);
    const { status } = await app.call("POST /v1/auth/logout", { token: owner.accessToken });
    expect(status).toBe(204);
    expect(await answers(owner)).toEqual(ENDED);
  });
});

describe("R36: logging out", () => {
  test("ends this session at once, no other, and is audited once", async () => {
    const owner = await registerOwner(app);
    const other = await logIn(app, owner.email);
    const id = await currentId(owner);
    const logout = () => app.call("POST /v1/auth/logout", { token: owner.accessToken });
    for (const { status } of await Promise.all(Array.from({ length: 10 }, logout)))
      expect(status).toBeOneOf([204, 401]);
    expect((await logout()).status).toBe(401);
    expect([await answers(owner), await answers(other)]).toEqual([ENDED, LIVE]);
    expect(await auditOf(owner.id, "auth.logged_out")).toMatchObject([
      { resourceId: id, sessionId: id },
    ]);
  });

  test("everywhere ends every session of the caller and nobody else's", async () => {
    const owner = await registerOwner(app);
    const other = await logIn(app, owner.email);
    const colleague = await createMember(app, owner);
    expect((await app.call("POST /v1/auth/logout-all", { token: owner.accessToken })).status).toBe(
      204,
    );
    expect([await answers(owner), await answers(other), await answers(colleague)]).toEqual([
      ENDED,
      ENDED,
      LIVE,
    ]);
    const rows = await app.deps.db.session.findMany({ where: { accountId: owner.id } });
    expect(new Set(rows.map(({ revokedReason }) => revokedReason))).toEqual(
      new Set(["logout_all"]),
    );
    expect(await auditOf(owner.id, "auth.logged_out_everywhere")).toMatchObject([
      { details: { ended: 2 } },
    ]);
  });

  test.each([
    "POST /v1/auth/logout",
    "POST /v1/auth/logout-all",
    "GET /v1/auth/sessions",
    "DELETE /v1/auth/sessions",
    "DELETE /v1/auth/sessions/x",
    "GET /v1/auth/me",
  ])("%s needs an access token", async (route) => {
    const { status, body } = await app.call(route);
    expect({ status, code: body.code }).toEqual({ status: 401, code: "not_authenticated" });
  });
});
