import { afterAll, beforeAll, expect, test } from "bun:test";
import { createTestApp, registerOwner, type TestApp } from "../support/app.ts";

let app: TestApp;
beforeAll(async () => {
  // What AAL2 wants (SP 800-63B-4, 2.2.3): an hour of idleness, a day in all.
  app = await createTestApp({ SESSION_IDLE_SECONDS: "3600", SESSION_MAX_SECONDS: "86400" });
});
afterAll(() => app.close());

/** Begins a session and moves it into the past; answers how its refresh token is answered. */
async function refreshAfter(idle: string, whole: string): Promise<number> {
  const { id, refreshToken } = await registerOwner(app);
  await app.deps.pool.query(
    `UPDATE sessions SET created_at = created_at - $2::interval, last_used_at = last_used_at - $3::interval,
       expires_at = expires_at - $2::interval,
       idle_expires_at = least(idle_expires_at - $3::interval, expires_at - $2::interval)
     WHERE account_id = $1`,
    [id, whole, idle],
  );
  return (await app.call("POST /v1/auth/refresh", { json: { refreshToken } })).status;
}

test("R26: with the times of AAL2 a session ends after an hour unused and after a day in any case", async () => {
  expect(await refreshAfter("59 minutes", "59 minutes")).toBe(200);
  expect(await refreshAfter("61 minutes", "61 minutes")).toBe(401);
  expect(await refreshAfter("1 minute", "23 hours")).toBe(200);
  expect(await refreshAfter("1 minute", "25 hours")).toBe(401);
});
