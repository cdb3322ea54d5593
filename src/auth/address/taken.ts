import type { Prisma } from "../../../generated/prisma/client.ts";
import type { Database, Transaction } from "../../db/client.ts";
import { KEEPS_ADDRESS, LIVE } from "../../db/live.ts";

/** By whom an address is taken: a user of the account, for a mail to it. */
export type AddressHolder = { id: string; tenantId: string | null; verified: boolean };

/** One that was never proved is kept by who can prove it there: not by who gets no mail and no log-in (accounts/barred.ts). */
const KEEPS: Prisma.AccountWhereInput = {
  ...KEEPS_ADDRESS,
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
    where: { email, poolId, ...KEEPS },
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
