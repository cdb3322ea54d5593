import { describe, expect, test } from "bun:test";
import { type Account, createMember, logIn, registerOwner, testApp } from "../support/app.ts";

const app = testApp();

type Item = { id: string; current: boolean };
type Tokens = Pick<Account, "accessToken" | "refreshToken">;

async function list(
  { accessToken }: Tokens,
  query = "",
): Promise<{ items: Item[]; nextCursor: string | null }> {
  return (await app.call(`GET /v1/auth/sessions${query}`, { token: accessToken })).body;
}

async function currentId(account: Tokens): Promise<string> {
  return (await list(account)).items.find(({ current }) => current)?.id ?? "";
}

describe("the list", () => {
  test("shows the caller's sessions, the newest first, and marks the one that asks", async () => {
    const first = await registerOwner(app);
    const second = await logIn(app, first.email);
    const { items, nextCursor } = await list(second);
    expect(nextCursor).toBeNull();
    expect(items.map(({ current }) => current)).toEqual([true, false]);
    expect((await list(first)).items).toEqual(
      items.map((item) => ({ ...item, current: !item.current })),
    );
    expect(items[0]).toEqual({
      id: expect.any(String),
      current: true,
      impersonated: false,
      deviceName: null,
      userAgent: null,
      ip: null,
      authenticationMethods: ["pwd"],
      createdAt: expect.any(String),
      lastUsedAt: expect.any(String),
      expiresAt: expect.any(String),
    } as unknown as Item);
  });

  test("goes through all pages with each session once", async () => {
    const owner = await registerOwner(app);
    for (let n = 0; n < 4; n++) await logIn(app, owner.email);
    const all = (await list(owner)).items.map(({ id }) => id);
    const seen: string[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const page = await list(owner, `?limit=2${cursor && `&cursor=${cursor}`}`);
      expect(page.items.length).toBeLessThanOrEqual(2);
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    expect(all).toHaveLength(5);
    expect(seen).toEqual(all);
  });

  test("leaves out what has ended: by logout, by idleness, or at the end of its time", async () => {
    const owner = await registerOwner(app);
    const [loggedOut, idle, over] = [
      await logIn(app, owner.email),
      await logIn(app, owner.email),
      await logIn(app, owner.email),
    ];
    const [idleId, overId] = [await currentId(idle), await currentId(over)];
    expect((await list(owner)).items).toHaveLength(4);
    await app.call("POST /v1/auth/logout", { token: loggedOut.accessToken });
    const end =
      "UPDATE sessions SET created_at = now() - interval '1 day', idle_expires_at = now()";
    await app.deps.pool.query(`${end} WHERE id = $1`, [idleId]);
    await app.deps.pool.query(`${end}, expires_at = now() WHERE id = $1`, [overId]);
    expect((await list(owner)).items.map(({ current }) => current)).toEqual([true]);
  });

  test("shows nobody else's sessions, not even to the owner of the tenant", async () => {
    const owner = await registerOwner(app);
    const member = await createMember(app, owner);
    await registerOwner(app);
    expect((await list(owner)).items).toHaveLength(1);
    expect((await list(member)).items).toHaveLength(1);
  });

  test.each(["limit=0", "limit=101", "limit=x", "cursor=x", "unknown=1", "limit=1&limit=2"])(
    "%s is a 422",
    async (query) => {
      const { accessToken } = await registerOwner(app);
      expect(
        (await app.call(`GET /v1/auth/sessions?${query}`, { token: accessToken })).status,
      ).toBe(422);
    },
  );
});
