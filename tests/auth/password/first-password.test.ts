import { describe, expect, test } from "bun:test";
import { type Account, logIn, registerOwner, testApp } from "../../support/app.ts";

const app = testApp({ STEP_UP_SECONDS: "30" });

/** The same session's access token, as if its user had logged in so many seconds ago. */
async function aged({ accessToken }: Account, seconds: number): Promise<string> {
  const claims = await app.deps.accessTokens.verify(accessToken);
  const authenticatedAt = claims.authenticatedAt - seconds;
  return (await app.deps.accessTokens.sign({ ...claims, authenticatedAt })).token;
}

describe("a first password", () => {
  const newPassword = "the first password of this account";

  async function withoutPassword() {
    const owner = await registerOwner(app);
    await app.deps.db.account.update({ where: { id: owner.id }, data: { passwordHash: null } });
    return owner;
  }

  function setPassword(token: string) {
    return app.call("POST /v1/auth/change-password", { token, json: { newPassword } });
  }

  test("is set without a current one, after a fresh log-in", async () => {
    const owner = await withoutPassword();
    const stale = await setPassword(await aged(owner, 31));
    expect({ status: stale.status, code: stale.body.code }).toEqual({
      status: 401,
      code: "reauthentication_required",
    });
    expect((await setPassword(owner.accessToken)).status).toBe(204);
    expect((await logIn(app, owner.email, newPassword)).id).toBe(owner.id);
  });

  test("is the only one that is: who has one must give it, and that is not counted as a guess", async () => {
    const owner = await registerOwner(app);
    const { status, body } = await setPassword(owner.accessToken);
    expect({ status, errors: body.errors }).toEqual({
      status: 422,
      errors: [{ path: "currentPassword", message: "Is required" }],
    });
    const row = await app.deps.db.account.findUniqueOrThrow({ where: { id: owner.id } });
    expect(row.loginAttempts).toBe(0);
    expect((await logIn(app, owner.email)).id).toBe(owner.id);
  });

  test("of two at once one is set", async () => {
    const { accessToken } = await withoutPassword();
    const answers = await Promise.all([setPassword(accessToken), setPassword(accessToken)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 422]);
  });
});
