import { z } from "zod";
import type { Prisma } from "../../generated/prisma/client.ts";
import { Email, Id, line, PageQuery, Timestamp } from "../fields.ts";
import { Password } from "../users/schemas.ts";

export const DEFAULT_DAYS = 7;
const MOST_DAYS = 30;
const STATUSES = ["pending", "accepted", "expired", "revoked"] as const;
export type InvitationStatus = (typeof STATUSES)[number];

export const Invitation = z
  .object({
    id: z.uuid(),
    tenantId: z.uuid(),
    email: z.string(),
    /** Those of the roles that there still are. */
    roles: z.array(z.string()),
    status: z.enum(STATUSES),
    invitedBy: z.uuid().nullable(),
    expiresAt: Timestamp,
    acceptedAt: Timestamp.nullable(),
    acceptedBy: z.uuid().nullable(),
    createdAt: Timestamp,
  })
  .meta({ ref: "Invitation" });
export type Invitation = z.infer<typeof Invitation>;

export const invitationSelect = {
  id: true,
  tenantId: true,
  email: true,
  roleIds: true,
  invitedBy: true,
  expiresAt: true,
  acceptedAt: true,
  acceptedBy: true,
  revokedAt: true,
  createdAt: true,
} satisfies Prisma.InvitationSelect;

export type InvitationRow = Prisma.InvitationGetPayload<{ select: typeof invitationSelect }>;

export function toInvitation(row: InvitationRow, roles: readonly string[]): Invitation {
  return {
    id: row.id,
    tenantId: row.tenantId,
    email: row.email,
    roles: roles.toSorted(),
    status: statusOf(row),
    invitedBy: row.invitedBy,
    expiresAt: row.expiresAt.toISOString(),
    acceptedAt: row.acceptedAt?.toISOString() ?? null,
    acceptedBy: row.acceptedBy,
    createdAt: row.createdAt.toISOString(),
  };
}

function statusOf({ acceptedAt, revokedAt, expiresAt }: InvitationRow): InvitationStatus {
  if (acceptedAt) return "accepted";
  if (revokedAt) return "revoked";
  return expiresAt.getTime() > Date.now() ? "pending" : "expired";
}

export const CreateInvitationInput = z
  .strictObject({
    email: Email,
    /** Without it: the tenant's default role. */
    roles: z.array(z.string().max(50)).min(1).max(20).optional(),
    expiresInDays: z.int().min(1).max(MOST_DAYS).default(DEFAULT_DAYS),
    /** For platform accounts, who have to name it. Everybody else invites into their own. */
    tenantId: Id.optional(),
  })
  .meta({ ref: "CreateInvitationInput" });
export type CreateInvitationInput = z.infer<typeof CreateInvitationInput>;

export const ListInvitationsQuery = PageQuery.extend({
  status: z.enum(STATUSES).optional(),
  /** For platform accounts. */
  tenantId: Id.optional(),
});
export type ListInvitationsQuery = z.infer<typeof ListInvitationsQuery>;

/** Nothing is said of a token's form: one of the wrong form is a wrong one. */
const Token = z.string().min(1).max(512);

export const InvitationTokenInput = z
  .strictObject({ token: Token })
  .meta({ ref: "InvitationTokenInput" });
export type InvitationTokenInput = z.infer<typeof InvitationTokenInput>;

export const AcceptInvitationInput = z
  .strictObject({
    token: Token,
    password: Password,
    firstName: line(120).optional(),
    lastName: line(120).optional(),
  })
  .meta({ ref: "AcceptInvitationInput" });
export type AcceptInvitationInput = z.infer<typeof AcceptInvitationInput>;

/** What the page behind the link shows before anybody has logged in. */
export const InvitationPreview = z
  .object({
    tenant: z.object({ name: z.string() }),
    email: z.string(),
    expiresAt: Timestamp,
  })
  .meta({ ref: "InvitationPreview" });
export type InvitationPreview = z.infer<typeof InvitationPreview>;
