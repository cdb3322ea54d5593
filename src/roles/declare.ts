/** What the platform does to the permissions of applications. Tenantry's own come with migrations, and stay as they are. */
import { changesBetween } from "../audit/changes.ts";
import { recordAudit } from "../audit/record.ts";
import type { AuthedContext, Context } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { afterCommit, commit } from "../db/commit.ts";
import { ApiError, PermissionError } from "../errors.ts";
import { findPermission, getPermission, lockDeclarations } from "./declared.ts";
import {
  type ChangePermissionInput,
  type DeclarePermissionInput,
  LEVELS,
  type Level,
  type Permission,
} from "./permission-schemas.ts";
import { assertUnused, assertUnusedByTenants } from "./permission-use.ts";
import { isApplications, MOST_APPLICATION_PERMISSIONS, SYSTEM_ROLES } from "./permissions.ts";

/** Who declares: somebody, or the file of a start, which `details` then tells. */
export type Declarer = Context & Partial<Pick<AuthedContext, "principal">>;
type Details = { source?: "PERMISSIONS_FILE" };

/**
 * Declares a permission of an application. It is held at once by everybody with a system role from `heldFrom` up.
 * @throws PermissionError; ApiError `permission_exists`, `too_many_permissions`.
 */
export async function declarePermission(
  ctx: AuthedContext,
  input: DeclarePermissionInput,
): Promise<Permission> {
  assertPlatform(ctx);
  return commit(ctx, async (tx) => {
    await lockDeclarations(tx);
    if (await findPermission(tx, input.key)) throw new ApiError("permission_exists");
    await insertPermission(tx, ctx, input);
    return getPermission(tx, input.key);
  });
}

/**
 * Describes it anew, or gives it to other system roles. @throws NotFoundError; PermissionError, for one of Tenantry's own
 * too; ApiError `permission_in_use` when roles of tenants hold what is to be the platform's alone.
 */
export async function changePermission(
  ctx: AuthedContext,
  key: string,
  input: ChangePermissionInput,
): Promise<Permission> {
  assertPlatform(ctx);
  return commit(ctx, async (tx) => {
    await lockDeclarations(tx);
    const before = await getApplicationPermission(tx, key);
    const { description = before.description, heldFrom = before.heldFrom } = input;
    await updatePermission(tx, ctx, before, { description, heldFrom });
    return getPermission(tx, key);
  });
}

/**
 * Removes one that no role of a tenant and no live API key holds; system roles lose it with it. @throws NotFoundError;
 * PermissionError, for one of Tenantry's own too; ApiError `permission_in_use`.
 */
export async function removePermission(ctx: AuthedContext, key: string): Promise<void> {
  assertPlatform(ctx);
  await commit(ctx, async (tx) => {
    await lockDeclarations(tx);
    const { description, heldFrom } = await getApplicationPermission(tx, key);
    await assertUnused(tx, key);
    await tx.rolePermission.deleteMany({ where: { permissionKey: key, tenantId: null } });
    await tx.permission.delete({ where: { key } });
    await follow(tx, ctx, "permission.removed", { key, description, heldFrom });
  });
}

/** Under the lock. @throws ApiError `too_many_permissions` */
export async function insertPermission(
  tx: Transaction,
  ctx: Declarer,
  { key, description, heldFrom }: DeclarePermissionInput,
  details: Details = {},
): Promise<void> {
  const [found] = await tx.$queryRaw<{ count: number }[]>`
    SELECT count(*)::int AS count FROM permissions WHERE key LIKE '%:%:%'`;
  if ((found?.count ?? 0) >= MOST_APPLICATION_PERMISSIONS)
    throw new ApiError(
      "too_many_permissions",
      `Applications have ${MOST_APPLICATION_PERMISSIONS} permissions at most, all together.`,
    );
  await tx.permission.create({
    data: { key, description, roles: { create: rolesFrom(heldFrom) } },
  });
  await follow(tx, ctx, "permission.declared", { key, description, heldFrom, ...details });
}

/** Under the lock. Nothing when nothing differs. Answers whether it did. @throws ApiError `permission_in_use` */
export async function updatePermission(
  tx: Transaction,
  ctx: Declarer,
  before: Permission,
  after: { description: string; heldFrom: Level },
  details: Details = {},
): Promise<boolean> {
  const { key } = before;
  const fields = ["description", "heldFrom"];
  const changes = changesBetween(before, after, { fields, shown: fields });
  if (!("changes" in changes)) return false;
  if (after.heldFrom === "super_admin") await assertUnusedByTenants(tx, key);
  await tx.permission.update({ where: { key }, data: { description: after.description } });
  if (after.heldFrom !== before.heldFrom) {
    await tx.rolePermission.deleteMany({ where: { permissionKey: key, tenantId: null } });
    const data = rolesFrom(after.heldFrom).map((role) => ({ ...role, permissionKey: key }));
    await tx.rolePermission.createMany({ data });
  }
  await follow(tx, ctx, "permission.changed", { key, ...changes, ...details });
  return true;
}

/** Each holds what those below it hold, so that owners may manage admins, and admins members (giving.ts). */
function rolesFrom(level: Level): { roleId: string; tenantId: null }[] {
  return LEVELS.slice(0, LEVELS.indexOf(level) + 1).map((name) => ({
    roleId: SYSTEM_ROLES[name],
    tenantId: null,
  }));
}

/** @throws PermissionError for a tenant's own people, whatever they hold: it is for all tenants. */
function assertPlatform({ principal }: AuthedContext): void {
  if (principal.tenantId !== null)
    throw new PermissionError("Permissions of applications are declared by platform accounts.");
}

async function getApplicationPermission(tx: Transaction, key: string): Promise<Permission> {
  const found = await getPermission(tx, key);
  if (!isApplications(key))
    throw new PermissionError(`${key} is Tenantry's own: its code asks for it.`);
  return found;
}

/** A trigger tells the other instances. */
async function follow(
  tx: Transaction,
  ctx: Declarer,
  action: "permission.declared" | "permission.changed" | "permission.removed",
  details: object,
): Promise<void> {
  afterCommit(tx, () => ctx.grants.forget());
  await recordAudit(tx, ctx, {
    action,
    resourceType: "permission",
    tenantId: null,
    details: { ...details },
  });
}
