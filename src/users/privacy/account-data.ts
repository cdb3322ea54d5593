/**
 * What personal data tells of the account behind a user. Its person and platform accounts read all of it. A tenant reads the
 * accounts of its own pool; of one that others share, nothing but the sessions that have spoken for its own user (R77).
 */
import { isProvisional } from "../../accounts/pool.ts";
import type { AuthedContext } from "../../context.ts";
import { acrossTenants, withDeleted } from "../../db/scope.ts";
import { asSeenFrom, toSessionFields } from "../../sessions/list.ts";
import { readSettings, sessionSeconds } from "../../tenant-settings/settings.ts";
import { membershipsOf } from "../memberships.ts";
import type { PersonalData } from "./schemas.ts";

const MOST = { take: 1000, orderBy: { createdAt: "desc" } } as const;

const select = {
  passwordHash: true,
  poolId: true,
  loginAttempts: true,
  lockedUntil: true,
  sessions: MOST,
  passkeys: { ...MOST, select: { name: true, createdAt: true, lastUsedAt: true } },
  totpFactors: { ...MOST, select: { createdAt: true, confirmedAt: true } },
  recoveryCodes: { ...MOST, select: { createdAt: true, usedAt: true } },
} as const;

type Owner = {
  id: string;
  tenantId: string | null;
  accountId: string | null;
  tenant: { settings: unknown } | null;
};

type AccountData = Pick<PersonalData["account"], "password" | "failedLogIns" | "lockedUntil"> &
  Pick<
    PersonalData,
    "memberships" | "sessions" | "passkeys" | "authenticatorApps" | "recoveryCodes"
  >;

export async function accountDataOf(ctx: AuthedContext, user: Owner): Promise<AccountData> {
  const { db, config } = ctx;
  const { accountId } = user;
  // Row-level security decides whether it is the caller's to see.
  const account = await withDeleted(() =>
    db.account.findFirst({ where: { id: accountId ?? user.id }, select }),
  );
  if (!account || accountId === null)
    return { ...UNSEEN, sessions: await sessionsOfUser(ctx, user) };
  // Of an address that a tenant alone speaks of, strangers' guesses are not told (accounts/pool.ts).
  const settings = readSettings(user.tenant?.settings);
  const untold = isProvisional(config, { poolId: account.poolId, settings });
  return {
    password: account.passwordHash !== null,
    failedLogIns: untold ? 0 : account.loginAttempts,
    lockedUntil: untold ? null : text(account.lockedUntil),
    memberships: await acrossTenants(() => membershipsOf(db, accountId)),
    sessions: account.sessions.map((session) => ({
      id: session.id,
      ...toSessionFields(session),
      revokedAt: text(session.revokedAt),
    })),
    passkeys: account.passkeys.map(({ name, createdAt, lastUsedAt }) => ({
      name,
      createdAt: createdAt.toISOString(),
      lastUsedAt: text(lastUsedAt),
    })),
    authenticatorApps: account.totpFactors.map(({ createdAt, confirmedAt }) => ({
      createdAt: createdAt.toISOString(),
      confirmedAt: text(confirmedAt),
    })),
    recoveryCodes: account.recoveryCodes.map(({ createdAt, usedAt }) => ({
      createdAt: createdAt.toISOString(),
      usedAt: text(usedAt),
    })),
  };
}

const UNSEEN = {
  password: null,
  failedLogIns: null,
  lockedUntil: null,
  memberships: [],
  passkeys: [],
  authenticatorApps: [],
  recoveryCodes: [],
};

/** As the tenant's list of them: where and when they were used in it. */
async function sessionsOfUser(
  { db, config }: AuthedContext,
  { id: userId, tenantId, tenant }: Owner,
): Promise<PersonalData["sessions"]> {
  const spoken = await db.sessionUser.findMany({
    where: { userId, tenantId },
    include: { session: true },
    ...MOST,
  });
  const restMillis = sessionSeconds(config, readSettings(tenant?.settings)).idle * 1000;
  return spoken.map(({ session, ip, lastUsedAt, revokedAt }) => ({
    id: session.id,
    ...toSessionFields(asSeenFrom({ ip, lastUsedAt }, session, restMillis)),
    revokedAt: text(revokedAt ?? session.revokedAt),
  }));
}

export function text(moment: Date | null): string | null {
  return moment?.toISOString() ?? null;
}
