/** Somebody with one account who is in a second tenant too. */
import { newId } from "../../src/db/id.ts";
import { SYSTEM_ROLES } from "../../src/roles/permissions.ts";
import { type Account, registerOwner, type TestApp } from "../support/app.ts";

export type Owner = Awaited<ReturnType<typeof registerOwner>>;

/** Makes the person's account a member of the tenant, and answers the id of their user there. */
export async function join(app: TestApp, { id, email }: Account, tenant: Owner): Promise<string> {
  const { tenantId } = tenant;
  const { accountId } = await app.deps.db.user.findUniqueOrThrow({ where: { id } });
  const userId = newId();
  const roles = { create: { roleId: SYSTEM_ROLES.member, tenantId } };
  await app.deps.db.user.create({ data: { id: userId, tenantId, accountId, email, roles } });
  return userId;
}

export type TwoTenants = {
  /** The person in their first tenant, logged in. */
  person: Owner;
  /** The owner of the second one. */
  other: Owner;
  /** The person's user in the second one. */
  there: string;
};

export async function twoTenants(app: TestApp): Promise<TwoTenants> {
  const [person, other] = [await registerOwner(app), await registerOwner(app)];
  return { person, other, there: await join(app, person, other) };
}

/** The session goes on in the tenant: what it answers there. */
export async function goTo(app: TestApp, refreshToken: string, tenantId: string): Promise<Account> {
  const { status, body } = await app.call("POST /v1/auth/refresh", {
    json: { refreshToken, tenantId },
  });
  if (status !== 200) throw new Error(`refresh answered ${status}: ${JSON.stringify(body)}`);
  const { accessToken, user } = body;
  return {
    id: user.id,
    email: user.email,
    tenantId: user.tenantId,
    accessToken,
    refreshToken: body.refreshToken,
  };
}

/** The unused token of the session, and the session's clock: what a refused refresh leaves as it was. */
export async function stateOf(app: TestApp, { person }: TwoTenants) {
  const { rows } = await app.deps.pool.query(
    `SELECT refresh_tokens.token_hash, refresh_tokens.used_at, sessions.idle_expires_at, sessions.last_used_at, sessions.revoked_at,
       (SELECT count(*) FROM session_users WHERE session_id = sessions.id) AS spoken
     FROM sessions JOIN refresh_tokens ON session_id = sessions.id WHERE account_id = $1 ORDER BY refresh_tokens.id`,
    [person.id],
  );
  return rows;
}
