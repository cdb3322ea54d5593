import { Prisma } from "../../generated/prisma/client.ts";
import type { Transaction } from "../db/client.ts";
import { LIVE_ACCOUNT_SQL } from "../db/live.ts";

/**
 * Takes an account out of the shared pool that keeps an address which nobody can prove there: it never was proved, and no
 * mail and no log-in gets through to a user or tenant that is not active. A stranger could so keep a hundred thousand
 * people out of the installation. It goes to the pool of its tenant. For somebody who comes with a proof of the address.
 */
export async function freeBarred(tx: Transaction, email: string): Promise<void> {
  await tx.$executeRaw`
    UPDATE accounts SET pool_id = users.tenant_id FROM users JOIN tenants ON tenants.id = users.tenant_id
    WHERE users.account_id = accounts.id AND accounts.email = ${email} AND accounts.pool_id IS NULL AND NOT accounts.is_deleted
      AND accounts.email_verified_at IS NULL
      AND NOT users.is_deleted AND NOT ${Prisma.raw(LIVE_ACCOUNT_SQL)}
      AND (SELECT count(*) FROM users AS others WHERE others.account_id = accounts.id) = 1`;
}
