/** One session, several tenants: what a tenant asks for, and what ends there while a refresh is under way. */
import { describe, expect, test } from "bun:test";
import { goTo, stateOf, type TwoTenants, twoTenants } from "../sessions/joined.ts";
import { createSuperAdmin, testApp } from "../support/app.ts";

const app = testApp({ DATABASE_POOL_SIZE: "25" });

function refresh(refreshToken: string, tenantId?: string) {
  return app.call("POST /v1/auth/refresh", { json: { refreshToken, tenantId } });
}

function set(sql: string, values: unknown[]) {
  return app.deps.pool.query(sql, values);
}

function setTenant(tenantId: string, settings: object) {
  return set("UPDATE tenants SET settings = $2 WHERE id = $1", [tenantId, settings]);
}

describe("R81: what the tenant asks for and the log-in has not shown", () => {
  const challenges: Record<string, { falls: (two: TwoTenants) => Promise<unknown>; says: string }> =
    {
      "a second factor": {
        falls: ({ other }) => setTenant(other.tenantId, { mfaRequired: true }),
        says: "second factor",
      },
      "a younger log-in": {
        falls: async ({ person, other }) => {
          await setTenant(other.tenantId, { sessionMaxSeconds: 3600 });
          await set(
            "UPDATE sessions SET created_at = now() - interval '2 hours' WHERE account_id = $1",
            [person.id],
          );
        },
        says: "log in again",
      },
      "less rest": {
        falls: async ({ person, other, there }) => {
          const gone = await goTo(app, person.refreshToken, other.tenantId);
          person.refreshToken = (await goTo(app, gone.refreshToken, person.tenantId)).refreshToken;
          await setTenant(other.tenantId, { sessionIdleSeconds: 600 });
          await set(
            "UPDATE session_users SET last_used_at = now() - interval '11 minutes' WHERE user_id = $1",
            [there],
          );
        },
        says: "log in again",
      },
    };
  test.each(Object.entries(challenges))(
    "%s: is a challenge (RFC 9470), and nothing is spent",
    async (_, { falls, says }) => {
      const two = await twoTenants(app);
      await falls(two);
      const before = await stateOf(app, two);
      const { status, body, headers } = await refresh(two.person.refreshToken, two.other.tenantId);
      expect([status, body.code]).toEqual([401, "reauthentication_required"]);
      expect(body.detail).toContain(says);
      expect(headers.get("www-authenticate")).toContain('error="insufficient_user_authentication"');
      expect(await stateOf(app, two)).toEqual(before);
      const next = await refresh(two.person.refreshToken);
      expect([next.status, next.body.user.id]).toEqual([200, two.person.id]);
      // A retry gets no further.
      expect((await refresh(two.person.refreshToken, two.other.tenantId)).body.code).toBe(
        "reauthentication_required",
      );
    },
  );

  test("a log-in with two factors and of today is enough for all of it", async () => {
    const { person, other, there } = await twoTenants(app);
    const strict = { mfaRequired: true, sessionMaxSeconds: 3600, sessionIdleSeconds: 600 };
    await setTenant(other.tenantId, strict);
    await set("UPDATE sessions SET amr = '{pwd,otp,mfa}' WHERE account_id = $1", [person.id]);
    const { body } = await refresh(person.refreshToken, other.tenantId);
    expect(body.user.id).toBe(there);
    expect((await app.deps.accessTokens.verify(body.accessToken)).mfaRequired).toBe(true);
  });

  test("the age of the log-in counts where the session did not begin, however lively it is there", async () => {
    const { person, other } = await twoTenants(app);
    const there = await goTo(app, person.refreshToken, other.tenantId);
    await setTenant(other.tenantId, { sessionMaxSeconds: 3600 });
    await setTenant(person.tenantId, { sessionMaxSeconds: 3600 });
    // As if all of it had begun two hours ago.
    await set(
      `WITH old AS (UPDATE sessions SET created_at = created_at - interval '2 hours' WHERE account_id = $1 RETURNING id)
       UPDATE session_users SET created_at = created_at - interval '2 hours' FROM old WHERE session_id = old.id`,
      [person.id],
    );
    expect((await refresh(there.refreshToken)).body.code).toBe("reauthentication_required");
    expect((await refresh(there.refreshToken, person.tenantId)).status).toBe(200);
  });

  test("who speaks for nobody any more but a tenant that asks for more is challenged too", async () => {
    const { person, other } = await twoTenants(app);
    await setTenant(other.tenantId, { mfaRequired: true });
    const root = await createSuperAdmin(app);
    await app.as(root, `DELETE /v1/users/${person.id}/sessions`);
    expect((await refresh(person.refreshToken)).body.code).toBe("reauthentication_required");
    // Also when no row is left that says as whom it has spoken.
    await set("DELETE FROM session_users WHERE user_id = $1", [person.id]);
    await set("UPDATE users SET status = 'disabled' WHERE id = $1", [person.id]);
    expect((await refresh(person.refreshToken)).body.code).toBe("reauthentication_required");
  });
});

/** For a lock; or not, after a second. */
async function untilSomebodyWaits() {
  for (const until = Date.now() + 1000; Date.now() < until; ) {
    const { rowCount } = await set(
      "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
      [],
    );
    if (rowCount !== 0) return;
  }
}

describe("R36: a refresh that comes while", () => {
  const ends: Record<string, (two: TwoTenants) => [string, unknown[], number]> = {
    "the user there is being disabled": ({ there }) => [
      "UPDATE users SET status = 'disabled' WHERE id = $1",
      [there],
      404,
    ],
    "the tenant is being suspended": ({ other }) => [
      "UPDATE tenants SET status = 'suspended' WHERE id = $1",
      [other.tenantId],
      404,
    ],
    "the tenant begins to ask for a second factor": ({ other }) => [
      "UPDATE tenants SET settings = '{\"mfaRequired\": true}', version = version + 1 WHERE id = $1",
      [other.tenantId],
      401,
    ],
  };
  test.each(Object.entries(ends))("%s waits, and is refused", async (_, end) => {
    const two = await twoTenants(app);
    const before = await stateOf(app, two);
    const holder = await app.deps.pool.connect();
    await holder.query("BEGIN");
    const [sql, values, refused] = end(two);
    await holder.query(sql, values);
    const going = refresh(two.person.refreshToken, two.other.tenantId);
    await untilSomebodyWaits();
    await holder.query("COMMIT");
    holder.release();
    expect((await going).status).toBe(refused);
    expect(await stateOf(app, two)).toEqual(before);
    expect((await refresh(two.person.refreshToken)).status).toBe(200);
  });

  test("an administrator there ends what it may do waits, and costs the session nothing elsewhere", async () => {
    const two = await twoTenants(app);
    const there = await goTo(app, two.person.refreshToken, two.other.tenantId);
    const holder = await app.deps.pool.connect();
    await holder.query("BEGIN");
    await holder.query(
      "UPDATE session_users SET revoked_at = now(), revoked_reason = 'ended_by_admin' WHERE user_id = $1",
      [two.there],
    );
    const going = refresh(there.refreshToken);
    await untilSomebodyWaits();
    await holder.query("COMMIT");
    holder.release();
    const { status, body } = await going;
    expect([status, body.user?.id]).toEqual([200, two.person.id]);
  });
});
