import type { Prisma } from "../../generated/prisma/client.ts";
import type { Deps } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { afterCommit } from "../db/commit.ts";
import { scopedTenant } from "../db/scope.ts";
import { asUser, CLOCK_SKEW_SECONDS } from "./revocations.ts";

export type RevocationReason =
  | "logout"
  | "logout_all"
  | "ended_by_user"
  | "ended_by_admin"
  | "reauthenticated"
  | "session_limit"
  | "password_reset"
  | "email_changed"
  | "address_proved"
  | "factors_changed"
  | "password_changed"
  | "user_disabled"
  | "user_deleted"
  | "account_deleted"
  | "tenant_suspended"
  | "tenant_deleted"
  | "tenant_left"
  | "mfa_required"
  | "refresh_token_reuse"
  | "impersonated_again"
  | "impersonator_left"
  | "database_restored";

/** Of sessions that were somebody else's, perhaps: their device is known to nobody. */
export const DISOWNED: readonly RevocationReason[] = [
  "ended_by_user",
  "ended_by_admin",
  "refresh_token_reuse",
];
const PASSWORD_GONE: readonly RevocationReason[] = [
  "password_changed",
  "password_reset",
  "address_proved",
];

/** How long somebody may act as a user. */
export const IMPERSONATION_SECONDS = 15 * 60;

type EndedSession = { id: string; accountId: string; deviceId: string | null };

/**
 * Ends the sessions that match and go on, for all that their accounts are; answers how many. With the session of a super
 * admin ends what they do as somebody else. Once it is committed this instance refuses them; the others hear of it by the
 * trigger's notification. That nobody acts as a user any more a trigger writes into the tenant's log.
 */
export async function revokeSessions(
  tx: Transaction,
  { revocations }: Pick<Deps, "revocations">,
  where: Prisma.SessionWhereInput,
  reason: RevocationReason,
): Promise<number> {
  const ended = await end(tx, where, reason);
  await forgetDevices(tx, where, ended, reason);
  const acting = await actingAsOthers(tx, ended);
  if (acting) ended.push(...(await end(tx, acting, "impersonator_left")));
  afterCommit(tx, () => revocations.add(ended.map((session) => session.id)));
  return ended.length;
}

/**
 * Ends what sessions may do as these users, and nothing else of them: for who is disabled, deleted, leaves, or whose tenant
 * is suspended. Answers how many sessions that were. One that speaks for nobody any more ends by a trigger.
 */
export async function revokeSessionUsers(
  tx: Transaction,
  { revocations }: Pick<Deps, "revocations">,
  where: Prisma.SessionUserWhereInput,
  reason: RevocationReason,
): Promise<number> {
  const ended = await tx.sessionUser.updateManyAndReturn({
    where: {
      ...where,
      revokedAt: null,
      session: { is: { ...(where.session as object), revokedAt: null } },
    },
    data: { revokedAt: new Date(), revokedReason: reason },
    select: { sessionId: true, userId: true, tenantId: true },
  });
  const ofPlatform = ended.flatMap(({ userId, tenantId }) => (tenantId === null ? userId : []));
  if (ofPlatform.length > 0)
    await revokeSessions(tx, { revocations }, actingFor(ofPlatform), "impersonator_left");
  const entries = ended.map(({ sessionId, userId }) => asUser(sessionId, userId));
  afterCommit(tx, () => revocations.add(entries));
  return ended.length;
}

async function end(
  tx: Transaction,
  where: Prisma.SessionWhereInput,
  reason: RevocationReason,
): Promise<EndedSession[]> {
  return tx.session.updateManyAndReturn({
    where: { ...where, revokedAt: null },
    data: { revokedAt: new Date(), revokedReason: reason },
    select: { id: true, accountId: true, deviceId: true },
  });
}

/**
 * What the account knows a client by goes with sessions that were somebody else's, perhaps, and with a changed password for
 * all but those that stay, also where the session ended before. The next right log-in makes a device known again.
 */
async function forgetDevices(
  tx: Transaction,
  where: Prisma.SessionWhereInput,
  ended: EndedSession[],
  reason: RevocationReason,
): Promise<void> {
  const data = { deviceId: null };
  if (PASSWORD_GONE.includes(reason))
    await tx.session.updateMany({ where: { ...where, deviceId: { not: null } }, data });
  if (!DISOWNED.includes(reason)) return;
  const deviceIds = ended.flatMap(({ deviceId }) => deviceId ?? []);
  const accountIds = ended.map(({ accountId }) => accountId);
  const ofThese = { accountId: { in: accountIds }, deviceId: { in: deviceIds } };
  if (deviceIds.length > 0) await tx.session.updateMany({ where: ofThese, data });
}

/** Only platform accounts act as others, and within a tenant no session of one is seen. */
async function actingAsOthers(
  tx: Transaction,
  ended: EndedSession[],
): Promise<Prisma.SessionWhereInput | null> {
  if (ended.length === 0 || scopedTenant() !== null) return null;
  const accountIds = [...new Set(ended.map(({ accountId }) => accountId))];
  const platform = await tx.user.findMany({
    where: { accountId: { in: accountIds }, tenantId: null },
    select: { id: true },
  });
  return platform.length === 0 ? null : actingFor(platform.map(({ id }) => id));
}

function actingFor(userIds: string[]): Prisma.SessionWhereInput {
  const within = (IMPERSONATION_SECONDS + CLOCK_SKEW_SECONDS) * 1000;
  // For the index: hardly any other session is that near to its end.
  return { impersonatorId: { in: userIds }, expiresAt: { lte: new Date(Date.now() + within) } };
}
