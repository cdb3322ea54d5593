import { type AuditRow, listAuditLogs } from "../../audit/list.ts";
import { recordAudit } from "../../audit/record.ts";
import type { AuthedContext } from "../../context.ts";
import { commit } from "../../db/commit.ts";
import { fromReplica } from "../../db/replica.ts";
import { withDeleted } from "../../db/scope.ts";
import { NotFoundError } from "../../errors.ts";
import { toProfile } from "../profile.ts";
import { toUserWithRoles, userWithRolesSelect } from "../public-user.ts";
import { visibleUser } from "../reach.ts";
import { accountDataOf, text } from "./account-data.ts";
import { isErased } from "./erased.ts";
import type { PersonalData } from "./schemas.ts";

const AUDIT_PAGE = 1000;
const AUDIT_PAGES = 5;
/** Nobody has more of anything else, and an answer must end somewhere. */
const MOST = { take: 1000, orderBy: { createdAt: "desc" } } as const;

const select = {
  ...userWithRolesSelect,
  accountId: true,
  deletedAt: true,
  createdBy: true,
  tenant: { select: { settings: true } },
  profile: true,
  roles: { select: { createdAt: true, role: { select: { name: true } } } },
  apiKeys: MOST,
} as const;

/**
 * All that is stored about a person, deleted or not (GDPR, articles 15 and 20): of who they are in the tenant, and of their
 * account what the caller may see of it (account-data.ts). Secrets are left out: they say nothing of the person, and whoever
 * reads this could use them. @throws NotFoundError, also for who was erased.
 */
export async function getPersonalData(ctx: AuthedContext, id: string): Promise<PersonalData> {
  // What is kept of a deleted person is theirs to know too.
  const row = await withDeleted(() =>
    ctx.db.user.findFirst({ where: visibleUser(ctx, id), select }),
  );
  if (!row || isErased(row)) throw new NotFoundError("user");
  const { tenantId, email } = row;
  const [account, invitations, audit] = await Promise.all([
    accountDataOf(ctx, row),
    tenantId === null
      ? []
      : ctx.db.invitation.findMany({
          where: { tenantId, OR: [{ email }, { acceptedBy: row.id }] },
          ...MOST,
        }),
    fromReplica(ctx, (at) => at.pool.costly("export", () => auditRowsOf(at, row.id))),
  ]);
  await commit(ctx, (tx) =>
    recordAudit(tx, ctx, {
      action: "user.personal_data_exported",
      resourceType: "user",
      resourceId: row.id,
      tenantId,
    }),
  );
  const { sessions, memberships, passkeys, authenticatorApps, recoveryCodes, ...login } = account;
  return {
    exportedAt: new Date().toISOString(),
    user: toUserWithRoles(row),
    account: { ...login, deletedAt: text(row.deletedAt), createdBy: row.createdBy },
    memberships,
    profile: toProfile(row.id, row.profile),
    roles: row.roles.map(({ role, createdAt }) => ({
      name: role.name,
      grantedAt: createdAt.toISOString(),
    })),
    sessions,
    passkeys,
    authenticatorApps,
    recoveryCodes,
    apiKeys: row.apiKeys.map((key) => ({
      name: key.name,
      prefix: key.prefix,
      scopes: key.scopes,
      createdAt: key.createdAt.toISOString(),
      expiresAt: text(key.expiresAt),
      lastUsedAt: text(key.lastUsedAt),
      revokedAt: text(key.revokedAt),
    })),
    invitations: invitations.map((invitation) => ({
      email: invitation.email,
      createdAt: invitation.createdAt.toISOString(),
      expiresAt: invitation.expiresAt.toISOString(),
      acceptedAt: text(invitation.acceptedAt),
      revokedAt: text(invitation.revokedAt),
    })),
    ...audit,
  };
}

async function auditRowsOf(
  ctx: AuthedContext,
  actorId: string,
): Promise<{ auditRows: AuditRow[]; auditRowsComplete: boolean }> {
  const auditRows: AuditRow[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < AUDIT_PAGES; page += 1) {
    const { items, nextCursor } = await listAuditLogs(ctx, {
      actorId,
      limit: AUDIT_PAGE,
      ...(cursor !== undefined && { cursor }),
    });
    auditRows.push(...items);
    if (nextCursor === null) return { auditRows, auditRowsComplete: true };
    cursor = nextCursor;
  }
  return { auditRows, auditRowsComplete: false };
}
