import { Prisma } from "../../generated/prisma/client.ts";
import type { Context } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { networkOf } from "../network.ts";
import { lockActiveTenant } from "../tenants/lock.ts";
import { knownSql, lockedSql } from "./throttle.ts";

export type LockedAccount = {
  id: string;
  tenantId: string | null;
  /** By too many wrong guesses, for this caller. */
  locked: boolean;
  /** It has been used from the caller's address. */
  known: boolean;
};

export type Standing = Pick<LockedAccount, "locked" | "known">;

const KNOWN = knownSql("caller.network");

/**
 * Locks the user's row for the end of a log-in. Null unless user and tenant are active, and the address
 * proved where that is required; all of it stays so until the transaction ends. Everywhere in this order, tenant before user before token, so that nobody waits in a circle.
 */
export async function lockActiveAccount(
  tx: Transaction,
  { origin: { ip }, config }: Pick<Context, "origin" | "config">,
  { id, tenantId }: { id: string; tenantId: string | null },
): Promise<LockedAccount | null> {
  if (!(await lockActiveTenant(tx, tenantId))) return null;
  const [account] = await tx.$queryRaw<LockedAccount[]>`
    SELECT users.id, users.tenant_id AS "tenantId",
      ${Prisma.raw(lockedSql(KNOWN))} AS locked, ${Prisma.raw(KNOWN)} AS known
    FROM users, (SELECT ${ip && networkOf(ip)}::inet AS network) AS caller
    WHERE users.id = ${id}::uuid AND users.tenant_id IS NOT DISTINCT FROM ${tenantId}::uuid
      AND users.status = 'active' AND NOT users.is_deleted
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
    SELECT ${Prisma.raw(lockedSql(KNOWN))} AS locked, ${Prisma.raw(KNOWN)} AS known
    FROM users, (SELECT ${ip && networkOf(ip)}::inet AS network) AS caller
    WHERE users.id = ${userId}::uuid`;
  return standing ?? { locked: false, known: false };
}
