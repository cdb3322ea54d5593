/** Which tenants an account has a user in. */
import { z } from "zod";
import type { Database, Transaction } from "../db/client.ts";
import { LIVE } from "../db/live.ts";

export const Membership = z
  .object({
    tenant: z.object({
      id: z.uuid(),
      slug: z.string(),
      name: z.string(),
      status: z.enum(["active", "suspended"]),
    }),
    /** The `sub` of access tokens there. */
    userId: z.uuid(),
    roles: z.array(z.string()),
    status: z.enum(["active", "disabled"]),
  })
  .meta({ ref: "Membership" });
export type Membership = z.infer<typeof Membership>;

export const Memberships = z.object({ items: z.array(Membership) }).meta({ ref: "Memberships" });

const select = {
  id: true,
  status: true,
  tenant: { select: { id: true, slug: true, name: true, status: true } },
  roles: { select: { role: { select: { name: true } } } },
} as const;

/**
 * The memberships of an account, those that were used last first. The caller is the account's person, or has shown to be:
 * nobody else may know. Across tenants, so in the platform's scope.
 * @param live leaves out where somebody could not work: disabled there, or the tenant not active.
 */
export async function membershipsOf(
  db: Database | Transaction,
  accountId: string,
  { live = false, tenantId }: { live?: boolean; tenantId?: string } = {},
): Promise<Membership[]> {
  const rows = await db.user.findMany({
    where: {
      accountId,
      isDeleted: false,
      ...(live && { status: LIVE.status }),
      tenantId: tenantId ?? { not: null },
      tenant: live ? LIVE : { isDeleted: false },
    },
    orderBy: [{ lastLoginAt: { sort: "desc", nulls: "last" } }, { id: "asc" }],
    select,
  });
  return rows.flatMap(({ id, status, tenant, roles }) =>
    tenant ? { tenant, userId: id, roles: roles.map(({ role }) => role.name).sort(), status } : [],
  );
}
