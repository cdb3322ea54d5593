import { beforeAll, describe, expect, test } from "bun:test";
import { hashToken } from "../../src/crypto/secret.ts";
import {
  type Account,
  createMember,
  createSuperAdmin,
  registerOwner,
  testApp,
} from "../support/app.ts";
import { expectRefused, refresh, sessionOf } from "./refreshes.ts";

const app = testApp();
let admin: Account;
beforeAll(async () => {
  admin = await createSuperAdmin(app);
});

describe("a refresh is refused", () => {
  /** Each makes a user, ends something, and answers the refresh token that must not work now. */
  const ends: Record<string, () => Promise<string>> = {
    "of a token that never was": async () => "A".repeat(43),
    "R35: after the idle expiry": async () => {
      const { refreshToken } = await registerOwner(app);
      const { id, createdAt } = await sessionOf(app, refreshToken);
      await app.deps.pool.query(
        "UPDATE sessions SET created_at = $2, idle_expires_at = now() WHERE id = $1",
        [id, new Date(+createdAt - 1e6)],
      );
      return refreshToken;
    },
    "R35: after the absolute expiry, however lively the session": async () => {
      const { refreshToken } = await registerOwner(app);
      const { id } = await sessionOf(app, refreshToken);
      await app.deps.pool.query(
        "UPDATE sessions SET created_at = now() - interval '1 day', idle_expires_at = now(), expires_at = now() WHERE id = $1",
        [id],
      );
      return refreshToken;
    },
    "of a token that is itself expired": async () => {
      const { refreshToken } = await registerOwner(app);
      await app.deps.pool.query(
        "UPDATE refresh_tokens SET created_at = now() - interval '1 day', expires_at = now() WHERE token_hash = $1",
        [hashToken(refreshToken)],
      );
      return refreshToken;
    },
    "R36: after logout": async () => {
      const { accessToken, refreshToken } = await registerOwner(app);
      await app.call("POST /v1/auth/logout", { token: accessToken });
      return refreshToken;
    },
    "R36: within the grace window, after logout": async () => {
      const { accessToken, refreshToken } = await registerOwner(app);
      await refresh(app, refreshToken);
      await app.call("POST /v1/auth/logout", { token: accessToken });
      return refreshToken;
    },
    "R36: after the user was disabled (CVE-2023-22492)": async () => {
      const owner = await registerOwner(app);
      const { id, refreshToken } = await createMember(app, owner);
      await app.call(`PATCH /v1/users/${id}`, {
        token: owner.accessToken,
        json: { status: "disabled" },
      });
      return refreshToken;
    },
    "R36: after the user was deleted": async () => {
      const owner = await registerOwner(app);
      const { id, refreshToken } = await createMember(app, owner);
      await app.call(`DELETE /v1/users/${id}`, { token: owner.accessToken });
      return refreshToken;
    },
    "R36: after the user was deleted and restored": async () => {
      const owner = await registerOwner(app);
      const { id, refreshToken } = await createMember(app, owner);
      await app.call(`DELETE /v1/users/${id}`, { token: owner.accessToken });
      expect(
        (await app.call(`POST /v1/users/${id}/restore`, { token: owner.accessToken })).status,
      ).toBe(200);
      return refreshToken;
    },
    "R36: after the tenant was suspended, also when it is active again": async () => {
      const { tenantId, refreshToken } = await registerOwner(app);
      for (const verb of ["suspend", "activate"]) {
        await app.call(`POST /v1/tenants/${tenantId}/${verb}`, { token: admin.accessToken });
      }
      return refreshToken;
    },
    "R36: after the tenant was deleted": async () => {
      const { tenantId, refreshToken } = await registerOwner(app);
      await app.call(`DELETE /v1/tenants/${tenantId}`, { token: admin.accessToken });
      return refreshToken;
    },
    // The second fence, should something write the status without ending the sessions.
    "when only the user's status says so": async () => {
      const { id, refreshToken } = await registerOwner(app);
      await app.deps.pool.query("UPDATE users SET status = 'disabled' WHERE id = $1", [id]);
      return refreshToken;
    },
    "within the grace window, of a token that was spent while it had no successor": async () => {
      const { id, refreshToken } = await registerOwner(app);
      await app.deps.pool.query("UPDATE users SET status = 'disabled' WHERE id = $1", [id]);
      await expectRefused(app, refreshToken);
      await app.deps.pool.query("UPDATE users SET status = 'active' WHERE id = $1", [id]);
      return refreshToken;
    },
    "when only the tenant's status says so": async () => {
      const { tenantId, refreshToken } = await registerOwner(app);
      await app.deps.pool.query("UPDATE tenants SET status = 'suspended' WHERE id = $1", [
        tenantId,
      ]);
      return refreshToken;
    },
  };
  for (const [name, end] of Object.entries(ends)) {
    test(name, async () => expectRefused(app, await end()));
  }
});

test("R36: a refresh that comes while its session is being ended waits, and is refused", async () => {
  const { refreshToken } = await registerOwner(app);
  const { id } = await sessionOf(app, refreshToken);
  const client = await app.deps.pool.connect();
  try {
    await client.query("BEGIN");
    await client.query(
      "UPDATE sessions SET revoked_at = now(), revoked_reason = 'logout' WHERE id = $1",
      [id],
    );
    const refused = expectRefused(app, refreshToken);
    await untilSomebodyWaits();
    await client.query("COMMIT");
    await refused;
  } finally {
    client.release();
  }
  expect(await app.deps.db.refreshToken.count({ where: { sessionId: id } })).toBe(1);
});

/** Whether some statement waits for a lock: how a test knows that a race has reached the point that it is about. */
async function untilSomebodyWaits() {
  for (;;) {
    const { rows } = await app.deps.pool.query(
      "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    );
    if (rows.length > 0) return;
    await Bun.sleep(2);
  }
}
