import { Prisma } from "../../generated/prisma/client.ts";
import type { Context } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { named } from "../db/statement-names.ts";
import { networkOf } from "../network.ts";
import { IS_HEARSAY_SQL } from "../users/claims.ts";
import { knownSql, lockedSql } from "./throttle.ts";

/** What a log-in has to know of an account. */
export type Account = {
  id: string;
  tenantId: string | null;
  /** The tenant whose audit log tells what strangers do with the address; null for none (users/claims.ts). */
  auditTenantId: string | null;
  email: string;
  passwordHash: string | null;
  verified: boolean;
  /** By too many wrong passwords, for this caller. */
  locked: boolean;
  /** It has been used from the caller's address in the last 90 days. */
  known: boolean;
  /** The user is not disabled, nor the tenant suspended or deleted. */
  active: boolean;
};

export type AccountName = { email: string; tenant?: string | undefined };

/** Which users an address may mean, by EMAIL_SCOPE. */
const SCOPE = {
  /** One address, one account: the tenant need not be named, and when it is, it must be the right one. */
  global: "users.email_scope IS NULL AND ($2::varchar IS NULL OR tenants.slug = $2)",
  /** Whoever names no tenant means a platform account, which has none. */
  tenant: "tenants.slug IS NOT DISTINCT FROM $2",
};

const KNOWN = knownSql("$3::inet");

const findSql = (scope: string) =>
  named(`
      SELECT users.id, users.tenant_id AS "tenantId", users.email,
        CASE WHEN NOT ${IS_HEARSAY_SQL} THEN users.tenant_id END AS "auditTenantId", users.password_hash AS "passwordHash",
        users.email_verified_at IS NOT NULL AS verified,
        ${lockedSql(KNOWN)} AS locked, ${KNOWN} AS known,
        users.status = 'active' AND (users.tenant_id IS NULL OR tenants.status = 'active' AND NOT tenants.is_deleted) AS active
      FROM users LEFT JOIN tenants ON tenants.id = users.tenant_id
      WHERE users.email = $1 AND NOT users.is_deleted AND users.kind = 'person' AND ${scope}`);

const FIND = { global: findSql(SCOPE.global), tenant: findSql(SCOPE.tenant) };

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
