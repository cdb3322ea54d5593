import type { AuthedContext } from "../context.ts";
import { type Page, readPage } from "../db/keyset.ts";
import { fromReplica } from "../db/replica.ts";
import { NotFoundError } from "../errors.ts";
import { toUserWithRoles, userWithRolesSelect } from "../users/public-user.ts";
import { visibleUser, visibleUsers } from "../users/reach.ts";
import { type ListServiceAccountsQuery, type ServiceAccount, toServiceAccount } from "./schemas.ts";

const ORDER = {
  list: "service-accounts",
  column: "createdAt",
  type: "instant",
  direction: "desc",
} as const;

/** @throws NotFoundError also for a deleted one, for one of another tenant, and for a person. */
export async function getServiceAccount(ctx: AuthedContext, id: string): Promise<ServiceAccount> {
  const row = await ctx.db.user.findFirst({
    where: { ...visibleUser(ctx, id, ["service"]), isDeleted: false },
    select: userWithRolesSelect,
  });
  if (!row) throw new NotFoundError("user");
  return toServiceAccount(toUserWithRoles(row));
}

/** Those of the caller's tenant, the newest first; of every tenant for a platform account. */
export async function listServiceAccounts(
  ctx: AuthedContext,
  { tenantId, ...range }: ListServiceAccountsQuery,
): Promise<Page<ServiceAccount>> {
  // Both conditions: a caller who names another tenant than their own gets nothing.
  const filters = [
    visibleUsers(ctx, ["service"]),
    { isDeleted: false },
    tenantId === undefined ? {} : { tenantId },
  ];
  const page = await fromReplica(ctx, ({ db }) =>
    readPage(ORDER, range, ({ where, ...rest }) =>
      db.user.findMany({
        where: { AND: [...filters, where] },
        ...rest,
        select: userWithRolesSelect,
      }),
    ),
  );
  const items = page.items.map((row) => toServiceAccount(toUserWithRoles(row)));
  return { items, nextCursor: page.nextCursor };
}
