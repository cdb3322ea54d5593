import { Prisma } from "../../generated/prisma/client.ts";
import type { Context } from "../context.ts";
import type { Database, Transaction } from "../db/client.ts";
import { LIVE_ACCOUNT_SQL, LIVE_USER_SQL } from "../db/live.ts";
import { named } from "../db/statement-names.ts";
import type { AccountName } from "../mail/requests.ts";
import { networkOf } from "../network.ts";
import { lockActiveTenant } from "../tenants/lock.ts";
import { IS_HEARSAY_SQL } from "../users/placeholders.ts";
import { knownSql, lockedOutSql } from "./guessing.ts";

/** What a log-in has to know of an account. */
export type Account = {
  id: string;
  tenantId: string | null;
  /** The tenant whose audit log tells what strangers do with the address; null for none (users/placeholders.ts). */
  auditTenantId: string | null;
  email: string;
  passwordHash: string | null;
  verified: boolean;
  /** By too many wrong passwords, for this caller. */
  lockedOut: boolean;
  /** It has been used from the caller's address in the last 90 days. */
  known: boolean;
  /** The user is not disabled, nor the tenant suspended or deleted. */
  active: boolean;
};

/** Which users an address may mean, by EMAIL_SCOPE. */
const MEANT = {
  /** One address, one account: the tenant need not be named, and when it is, it must be the right one. */
  global: "users.email_scope IS NULL AND ($2::varchar IS NULL OR tenants.slug = $2)",
  /** Whoever names no tenant means a platform account, which has none. */
  tenant: "tenants.slug IS NOT DISTINCT FROM $2",
};

const KNOWN = knownSql("$3::inet");

const findSql = (which: string) =>
  named(`
      SELECT users.id, users.tenant_id AS "tenantId", users.email,
        CASE WHEN NOT ${IS_HEARSAY_SQL} THEN users.tenant_id END AS "auditTenantId", users.password_hash AS "passwordHash",
        users.email_verified_at IS NOT NULL AS verified,
        ${lockedOutSql(KNOWN)} AS "lockedOut", ${KNOWN} AS known,
        ${LIVE_ACCOUNT_SQL} AS active
      FROM users LEFT JOIN tenants ON tenants.id = users.tenant_id
      WHERE users.email = $1 AND NOT users.is_deleted AND users.kind = 'person' AND ${which}`);

const FIND = { global: findSql(MEANT.global), tenant: findSql(MEANT.tenant) };

/** One query, whatever there is to find: a second one for what belongs to an account would tell that there is one. */
export async function findAccount(
  ctx: Pick<Context, "pool" | "config" | "origin">,
  { email, tenant }: AccountName,
): Promise<Account | undefined> {
  const { emailScope } = ctx.config;
  const { ip } = ctx.origin;
  const { rows } = await ctx.pool.query<Account>({
    ...FIND[emailScope],
    values: [email, tenant ?? null, ip === null ? null : networkOf(ip)],
  });
  return rows[0];
}

/** How the tenant of an account is named beside its address: not at all where addresses are unique in the installation. */
export async function slugOf(
  db: Database | Transaction,
  { config }: Pick<Context, "config">,
  tenantId: string | null,
): Promise<string | undefined> {
  if (config.emailScope === "global" || tenantId === null) return undefined;
  const tenant = await db.tenant.findFirst({ where: { id: tenantId }, select: { slug: true } });
  return tenant?.slug;
}

/** As `auditTenantId` of an account; null for nobody, after the same statement. */
export async function auditTenantOf(
  tx: Transaction,
  userId: string | null,
): Promise<string | null> {
  const [user] = await tx.$queryRaw<{ tenantId: string | null }[]>`
    SELECT CASE WHEN NOT ${Prisma.raw(IS_HEARSAY_SQL)} THEN tenant_id END AS "tenantId"
    FROM users WHERE id = ${userId}::uuid`;
  return user?.tenantId ?? null;
}

export type LockedAccount = {
  id: string;
  tenantId: string | null;
  /** By too many wrong guesses, for this caller. */
  lockedOut: boolean;
  /** It has been used from the caller's address. */
  known: boolean;
};

export type Standing = Pick<LockedAccount, "lockedOut" | "known">;

const KNOWN_TO_CALLER = knownSql("caller.network");

/**
 * Locks the user's row for the end of a log-in. Null unless user and tenant are active, and the address proved where
 * that is required; all of it stays so until the transaction ends. Everywhere in this order, tenant before user before
 * token, so that nobody waits in a circle.
 */
export async function lockActiveAccount(
  tx: Transaction,
  { origin: { ip }, config }: Pick<Context, "origin" | "config">,
  { id, tenantId }: { id: string; tenantId: string | null },
): Promise<LockedAccount | null> {
  if (!(await lockActiveTenant(tx, tenantId))) return null;
  const [account] = await tx.$queryRaw<LockedAccount[]>`
    SELECT users.id, users.tenant_id AS "tenantId",
      ${Prisma.raw(lockedOutSql(KNOWN_TO_CALLER))} AS "lockedOut", ${Prisma.raw(KNOWN_TO_CALLER)} AS known
    FROM users, (SELECT ${ip && networkOf(ip)}::inet AS network) AS caller
    WHERE users.id = ${id}::uuid AND users.tenant_id IS NOT DISTINCT FROM ${tenantId}::uuid
      AND ${Prisma.raw(LIVE_USER_SQL)}
      AND (${config.emailVerification} = 'optional' OR users.email_verified_at IS NOT NULL)
    FOR UPDATE OF users`;
  return account ?? null;
}

/**
 * How an account stands with the caller, without a lock: one statement, whether there is such an account or not. Nobody's
 * account is open.
 */
export async function standingOf(
  tx: Transaction,
  { origin: { ip } }: Pick<Context, "origin">,
  userId: string | null,
): Promise<Standing> {
  const [standing] = await tx.$queryRaw<Standing[]>`
    SELECT ${Prisma.raw(lockedOutSql(KNOWN_TO_CALLER))} AS "lockedOut", ${Prisma.raw(KNOWN_TO_CALLER)} AS known
    FROM users, (SELECT ${ip && networkOf(ip)}::inet AS network) AS caller
    WHERE users.id = ${userId}::uuid`;
  return standing ?? { lockedOut: false, known: false };
}
