import type { Prisma } from "../../generated/prisma/client.ts";
import type { AuthedContext } from "../context.ts";
import type { Database } from "../db/client.ts";
import { isId } from "../db/id.ts";
import { type Page, readPage } from "../db/keyset.ts";
import { pendingInvitation, UNANSWERED } from "../db/live.ts";
import { fromReplica } from "../db/replica.ts";
import { NotFoundError } from "../errors.ts";
import {
  type Invitation,
  type InvitationRow,
  type InvitationStatus,
  invitationSelect,
  type ListInvitationsQuery,
  toInvitation,
} from "./schemas.ts";

const ORDER = {
  list: "invitations",
  column: "createdAt",
  type: "instant",
  direction: "desc",
} as const;

/** The one invitation with this id, if the caller may see it. @throws NotFoundError for what cannot be an id. */
export function visibleInvitation(ctx: AuthedContext, id: string): Prisma.InvitationWhereInput {
  if (!isId(id)) throw new NotFoundError("invitation");
  const { tenantId } = ctx.principal;
  return { id, ...(tenantId !== null && { tenantId }) };
}

/** @throws NotFoundError */
export async function getInvitation(ctx: AuthedContext, id: string): Promise<Invitation> {
  const row = await ctx.db.invitation.findFirst({
    where: visibleInvitation(ctx, id),
    select: invitationSelect,
  });
  const [invitation] = await withRoleNames(ctx.db, row ? [row] : []);
  if (!invitation) throw new NotFoundError("invitation");
  return invitation;
}

/** The invitations of the caller's tenant, the newest first; of every tenant for a platform account. */
export async function listInvitations(
  ctx: AuthedContext,
  { status, tenantId, ...range }: ListInvitationsQuery,
): Promise<Page<Invitation>> {
  const own = ctx.principal.tenantId;
  const filters: Prisma.InvitationWhereInput[] = [
    own === null ? {} : { tenantId: own },
    tenantId === undefined ? {} : { tenantId },
    status === undefined ? {} : having(status),
  ];
  return fromReplica(ctx, async ({ db }) => {
    const { items, nextCursor } = await readPage(ORDER, range, ({ where, ...rest }) =>
      db.invitation.findMany({
        where: { AND: [...filters, where] },
        ...rest,
        select: invitationSelect,
      }),
    );
    return { items: await withRoleNames(db, items), nextCursor };
  });
}

/** The names of the roles that there are; of those that were deleted only the ids are left. */
export async function withRoleNames(db: Database, rows: InvitationRow[]): Promise<Invitation[]> {
  if (rows.length === 0) return [];
  const found = await db.role.findMany({
    where: { id: { in: [...new Set(rows.flatMap((row) => row.roleIds))] } },
    select: { id: true, name: true, tenantId: true },
  });
  return rows.map((row) => {
    const own = found.filter((role) => role.tenantId === null || role.tenantId === row.tenantId);
    const roles = own.filter(({ id }) => row.roleIds.includes(id));
    return toInvitation(
      row,
      roles.map(({ name }) => name),
    );
  });
}

function having(status: InvitationStatus): Prisma.InvitationWhereInput {
  if (status === "accepted") return { acceptedAt: { not: null } };
  if (status === "revoked") return { revokedAt: { not: null } };
  return status === "pending"
    ? pendingInvitation()
    : { ...UNANSWERED, expiresAt: { lte: new Date() } };
}
