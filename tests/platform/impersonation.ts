/** What the tests of impersonation do over and over. */
import { decodeJwt } from "jose";
import type { Account, TestApp } from "../support/app.ts";

export const REASON = { reason: "Ticket 4711" };

export type Acting = { accessToken: string; sessionId: string; expiresIn: number };

/** `root` acts as the user from here on. @throws Error when they may not. */
export async function actAs(app: TestApp, root: Account, { id }: { id: string }): Promise<Acting> {
  const { status, body } = await app.call(`POST /v1/users/${id}/impersonate`, {
    token: root.accessToken,
    json: REASON,
  });
  if (status !== 200) throw new Error(`impersonating answered ${status}: ${body.detail}`);
  const { accessToken, expiresIn } = body;
  return { accessToken, expiresIn, sessionId: String(decodeJwt(accessToken).sid) };
}

export async function statusOf(app: TestApp, { accessToken }: { accessToken: string }) {
  return (await app.call("GET /v1/auth/me", { token: accessToken })).status;
}
