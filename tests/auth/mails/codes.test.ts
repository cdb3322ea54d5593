import { describe, expect, test } from "bun:test";
import { type Account, registerOwner, testApp } from "../../support/app.ts";
import { followLink, magicLink, otherCode, verify } from "./mails.ts";

const app = testApp({ DATABASE_POOL_SIZE: "20" });

async function verified() {
  const account = await registerOwner(app);
  await verify(app, account);
  return account;
}

/** Makes the user's mails to log in with older by so many minutes. */
function age({ id }: Account, minutes: number) {
  return app.deps.pool.query(
    "UPDATE one_time_tokens SET created_at = created_at - make_interval(mins => $2), expires_at = expires_at - make_interval(mins => $2) WHERE user_id = $1",
    [id, minutes],
  );
}

describe("R22: the six digits", () => {
  test("count with the challenge that they were asked for with, and no other", async () => {
    const [one, two] = [await verified(), await verified()];
    const first = await magicLink(app, one.email);
    const second = await magicLink(app, two.email);
    if (first.code !== second.code)
      for (const json of [
        { challengeId: second.challengeId, code: first.code },
        { challengeId: first.challengeId, code: second.code },
      ])
        expect((await followLink(app, json)).status).toBe(400);
    expect((await followLink(app, { challengeId: "x", code: first.code })).status).toBe(400);
    const right = { challengeId: first.challengeId, code: first.code };
    expect((await followLink(app, right)).body.user.id).toBe(one.id);
  });

  test("count once, and the link beside them is used up too", async () => {
    const { email } = await verified();
    const { challengeId, code, token } = await magicLink(app, email);
    expect((await followLink(app, { challengeId, code })).status).toBe(200);
    expect((await followLink(app, { challengeId, code })).status).toBe(400);
    expect((await followLink(app, { token })).status).toBe(400);
  });

  test("may be typed in groups", async () => {
    const { email } = await verified();
    const { challengeId, code } = await magicLink(app, email);
    const grouped = `${code.slice(0, 3)} ${code.slice(3)}`;
    expect((await followLink(app, { challengeId, code: grouped })).status).toBe(200);
  });

  test("are worth nothing after five wrong tries, nor is the link", async () => {
    const { email } = await verified();
    const { challengeId, code, token } = await magicLink(app, email);
    for (let n = 1; n <= 5; n++)
      expect((await followLink(app, { challengeId, code: otherCode(code, n) })).status).toBe(400);
    expect((await followLink(app, { challengeId, code })).status).toBe(400);
    expect((await followLink(app, { token })).status).toBe(400);
  });

  test("still count after four", async () => {
    const { email } = await verified();
    const { challengeId, code } = await magicLink(app, email);
    for (let n = 1; n <= 4; n++) await followLink(app, { challengeId, code: otherCode(code, n) });
    expect((await followLink(app, { challengeId, code })).status).toBe(200);
  });

  test("of fifty wrong tries at once, five are counted", async () => {
    const account = await verified();
    const { challengeId, code } = await magicLink(app, account.email);
    const tries = Array.from({ length: 50 }, (_, n) =>
      followLink(app, { challengeId, code: otherCode(code, n + 1) }),
    );
    for (const { status } of await Promise.all(tries)) expect(status).toBe(400);
    const row = await app.deps.db.oneTimeToken.findFirstOrThrow({
      where: { userId: account.id, purpose: "magic_link" },
    });
    expect([row.attempts, row.usedAt]).toEqual([5, expect.any(Date)]);
  });

  test("of fifty right tries at once one succeeds", async () => {
    const account = await verified();
    const { challengeId, code } = await magicLink(app, account.email);
    const tries = Array.from({ length: 50 }, () => followLink(app, { challengeId, code }));
    const statuses = (await Promise.all(tries)).map(({ status }) => status).sort();
    expect(statuses).toEqual([200, ...Array(49).fill(400)]);
    expect(await app.deps.db.session.count({ where: { accountId: account.id } })).toBe(2);
  });

  test("are over after ten minutes", async () => {
    const account = await verified();
    const { challengeId, code } = await magicLink(app, account.email);
    await age(account, 11);
    expect((await followLink(app, { challengeId, code })).status).toBe(400);
  });
});
