import type { Prisma } from "../../../generated/prisma/client.ts";
import type { Database, Transaction } from "../../db/client.ts";
import { LIVE } from "../../db/live.ts";

/** By whom an address is taken: a user of the account, for a mail to it. */
export type AddressHolder = { id: string; tenantId: string | null; verified: boolean };

/** Who can prove an address there: whoever gets no mail and no log-in keeps none (accounts/barred.ts). */
const KEEPS: Prisma.AccountWhereInput = {
  OR: [
    { emailVerifiedAt: { not: null } },
    { users: { some: { ...LIVE, OR: [{ tenantId: null }, { tenant: LIVE }] } } },
  ],
};

/**
 * Who has an address in a pool; null where it is free for whoever proves it. Somebody with the address in another pool is
 * no hindrance: what a tenant says of it keeps nobody out of the shared one. For jobs: no answer may tell what it finds.
 */
export async function addressHolder(
  db: Database | Transaction,
  poolId: string | null,
  email: string,
): Promise<AddressHolder | null> {
  const account = await db.account.findFirst({
    where: { email, poolId, isDeleted: false, ...KEEPS },
    select: {
      emailVerifiedAt: true,
      users: {
        where: { isDeleted: false },
        orderBy: { id: "asc" },
        take: 1,
        select: { id: true, tenantId: true },
      },
    },
  });
  const [user] = account?.users ?? [];
  return user ? { ...user, verified: account?.emailVerifiedAt !== null } : null;
}
