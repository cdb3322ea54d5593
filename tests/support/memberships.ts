/** One account in several tenants, through the API. */
import { invited, join } from "../invitations/invitations.ts";
import type { Account, registerOwner, TestApp } from "./app.ts";

export type Owner = Awaited<ReturnType<typeof registerOwner>>;

/**
 * A second membership: `owner` invites the account, which joins and goes on in that tenant. Answers who it is there, with
 * the tokens of the same session; those that were given are used up.
 */
export async function joinTenant(
  app: TestApp,
  account: Account,
  owner: Owner,
  roles = ["member"],
): Promise<Account> {
  const { token } = await invited(app, owner, { email: account.email, roles });
  const { status, body } = await join(app, account, token);
  if (status !== 200) throw new Error(`join answered ${status}: ${JSON.stringify(body)}`);
  return goTo(app, account, owner.tenantId);
}

/** The session of the account, from now on in this tenant. */
export async function goTo(
  app: TestApp,
  { refreshToken, email }: Account,
  tenantId: string,
): Promise<Account> {
  const { status, body } = await app.call("POST /v1/auth/refresh", {
    json: { refreshToken, tenantId },
  });
  if (status !== 200) throw new Error(`refresh answered ${status}: ${JSON.stringify(body)}`);
  const { user, accessToken } = body;
  return { id: user.id, email, tenantId, accessToken, refreshToken: body.refreshToken };
}
