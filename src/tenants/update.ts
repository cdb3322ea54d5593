import type { AuthedContext } from "../context.ts";
import { commit } from "../db/commit.ts";
import type { Expected } from "../db/expected.ts";
import { NotFoundError } from "../errors.ts";
import { requestMail } from "../mail/requests.ts";
import { assertRecentProof } from "../sessions/recent-proof.ts";
import { mergeSettings, readSettings } from "../tenant-settings/settings.ts";
import { addedWithAccount } from "./added.ts";
import { changeTenant, type Plan } from "./change.ts";
import { assertMayLimit } from "./create.ts";
import type { Tenant, UpdateTenantInput } from "./schemas.ts";
import { asJson, assertSettings } from "./settings-rules.ts";

const DAY_MILLIS = 86_400_000;

/**
 * Changes a tenant. Where a second factor is asked for from now on, sessions that were begun without one end: of one's own
 * tenant that takes a recent proof, as every end of one's own sessions does.
 * @throws NotFoundError, PermissionError, ValidationError; ApiError `precondition_failed`, `slug_taken`,
 * `reauthentication_required`.
 */
export function updateTenant(
  ctx: AuthedContext,
  id: string,
  { settings: change, ...fields }: UpdateTenantInput,
  expected: Expected = {},
): Promise<Tenant> {
  assertMayLimit(ctx, fields.seatLimit);
  const plan: Plan = async (tx, { id: tenantId, settings: stored }) => {
    const details = { fields: [...Object.keys(fields), ...(change ? ["settings"] : [])] };
    if (!change) return { action: "tenant.updated", data: fields, details };
    await assertSettings(tx, ctx, tenantId, change);
    const before = readSettings(stored);
    const settings = mergeSettings(before, change);
    const beginsMfa = settings.mfaRequired === true && before.mfaRequired !== true;
    const { sessionId, tenantId: own } = ctx.principal;
    if (beginsMfa && sessionId !== null && tenantId === own) assertRecentProof(ctx);
    return {
      action: "tenant.updated",
      data: { ...fields, settings: asJson(settings) },
      details: { ...details, settings: Object.keys(change) },
      ...(beginsMfa && {
        endSessions: {
          reason: "mfa_required",
          which: { session: { NOT: { amr: { has: "mfa" } } } },
        },
      }),
    };
  };
  return changeTenant(ctx, id, plan, { expected });
}

/** Refuses the tenant's users at once: their sessions end, and they cannot begin new ones. @throws NotFoundError */
export function suspendTenant(ctx: AuthedContext, id: string): Promise<Tenant> {
  return changeTenant(ctx, id, () => ({
    action: "tenant.suspended",
    data: { status: "suspended" },
    endSessions: { reason: "tenant_suspended" },
    endInvitations: true,
  }));
}

/** Lets the tenant's users log in again. @throws NotFoundError */
export function activateTenant(ctx: AuthedContext, id: string): Promise<Tenant> {
  return changeTenant(ctx, id, () => ({ action: "tenant.activated", data: { status: "active" } }));
}

/**
 * Soft delete: the rows stay and the slug stays reserved until the tenant is purged, and nobody gets in. Of one's own it
 * takes a recent proof: it ends one's own account too. A machine was given the permission for just this.
 * @throws NotFoundError; ApiError `reauthentication_required`.
 */
export async function deleteTenant(
  ctx: AuthedContext,
  id: string,
  expected: Expected = {},
): Promise<void> {
  const { tenantId, sessionId } = ctx.principal;
  if (sessionId !== null && id.toLowerCase() === tenantId) assertRecentProof(ctx);
  const plan: Plan = () => ({
    action: "tenant.deleted",
    data: { isDeleted: true, deletedAt: new Date() },
    endSessions: { reason: "tenant_deleted" },
    endInvitations: true,
  });
  await changeTenant(ctx, id, plan, { expected });
}

/**
 * Takes a soft delete back within TENANT_GRACE_DAYS: people log in again, and their API keys work again. Whoever has another
 * account with their address by now (`bring_accounts_back` in migrations-sql/030_users.sql) gets a mail to join with that.
 * @throws NotFoundError, also when the time for it is over.
 */
export function restoreTenant(ctx: AuthedContext, id: string): Promise<Tenant> {
  const plan: Plan = (_, { deletedAt }) => {
    const until = (deletedAt?.getTime() ?? 0) + ctx.config.tenantGraceDays * DAY_MILLIS;
    if (Date.now() > until) throw new NotFoundError("tenant");
    return { action: "tenant.restored", data: { isDeleted: false, deletedAt: null } };
  };
  return commit(ctx, async (tx) => {
    const tenant = await changeTenant({ ...ctx, db: tx }, id, plan, { deleted: true });
    const userIds = await addedWithAccount(tx, tenant.id);
    if (userIds.length > 0)
      await requestMail(ctx, { kind: "added", userIds, tenantId: tenant.id }, tx);
    return tenant;
  });
}
