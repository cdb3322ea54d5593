/** Refresh tokens, good and refused. */
import { expect } from "bun:test";
import { hashToken } from "../../src/crypto/secret.ts";
import type { TestApp } from "../support/app.ts";

export function refresh(app: TestApp, refreshToken: string) {
  return app.call("POST /v1/auth/refresh", { json: { refreshToken } });
}

export async function expectRefused(app: TestApp, refreshToken: string): Promise<void> {
  const { status, body, headers } = await refresh(app, refreshToken);
  expect({ status, code: body.code }).toEqual({ status: 401, code: "invalid_refresh_token" });
  expect(headers.get("www-authenticate")).toBe('Bearer realm="tenantry"');
}

/** The session that the token belongs to. */
export async function sessionOf(app: TestApp, refreshToken: string) {
  const token = await app.deps.db.refreshToken.findUniqueOrThrow({
    where: { tokenHash: Uint8Array.from(hashToken(refreshToken)) },
    include: { session: true },
  });
  return token.session;
}
