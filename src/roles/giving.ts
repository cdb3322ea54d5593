/**
 * Who may give or take which role, to and from whom. What is held, and the locks under which it is asked: held.ts; in
 * that order, the row of a user before the grants of a tenant.
 */
import { Prisma } from "../../generated/prisma/client.ts";
import type { AuthedContext } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { LIVE, LIVE_USER_SQL } from "../db/live.ts";
import { ApiError, PermissionError, ValidationError } from "../errors.ts";
import { settingsOf, type TenantSettings } from "../tenant-settings/settings.ts";
import { type Giving, readGiving } from "./giving-sql.ts";
import { alsoHad, heldBy, lockGrants, lockGrantsIn } from "./held.ts";
import { SYSTEM_ROLES } from "./permissions.ts";

type Role = { id: string; name: string };
type Asking = Pick<AuthedContext, "principal">;

export function mayAssign({ principal }: Asking): boolean {
  return principal.permissions.has("role:assign");
}

/** Whoever names roles needs it. The tenant's default role is given without. @throws PermissionError */
export function assertMayAssign(ctx: Asking, verb: "Giving" | "Changing" = "Giving"): void {
  if (!mayAssign(ctx)) throw new PermissionError(`${verb} roles needs the permission role:assign.`);
}

/**
 * The roles with these names for a user of `tenantId`, all of which the caller may give: system roles and the tenant's
 * own. Without names those that are given by default. What the caller holds is read under a lock, so that nobody gives
 * what is being taken from them.
 * @throws ValidationError for unknown names and for a role of the wrong side (super_admin is for platform accounts, the
 * others for tenants); PermissionError for a role that may do more than the caller (ASVS 5.0, 8.2).
 */
export async function rolesToGrant(
  tx: Transaction,
  ctx: Asking,
  tenantId: string | null,
  names: string[] | undefined,
): Promise<Role[]> {
  await lockGrants(tx, ctx, tenantId);
  return rolesAmong(ctx, tenantId, names, await readGiving(tx, ctx, tenantId, names));
}

/** The same of what was read under those locks. @throws ValidationError, PermissionError, as `rolesToGrant`. */
export function rolesAmong(
  { principal }: Asking,
  tenantId: string | null,
  names: string[] | undefined,
  { roles, held, settings }: Giving,
): Role[] {
  const wanted = [...new Set(names ?? [defaultRole(settings, roles)])];
  const fits = roles.filter(
    ({ id, name }) =>
      wanted.includes(name) && (id === SYSTEM_ROLES.super_admin) === (tenantId === null),
  );
  const unknown = wanted.filter((name) => !fits.some((role) => role.name === name));
  if (unknown.length > 0) {
    throw new ValidationError(
      unknown.map((name) => ({
        path: "roles",
        message: `There is no role ${JSON.stringify(name)} to give here`,
      })),
    );
  }
  const own = alsoHad(principal, held);
  const above = fits.filter(({ permissions }) => !permissions.every((key) => own.has(key)));
  if (above.length > 0) {
    throw new PermissionError(
      `You cannot give what you do not hold: ${above.map((role) => role.name).join(", ")}.`,
    );
  }
  return fits.map(({ id, name }) => ({ id, name }));
}

/** What a user gets who is made without roles: the tenant's `defaultRole` while there is such a role, else member. */
export async function defaultRoles(tx: Transaction, tenantId: string | null): Promise<string[]> {
  const settings = await settingsOf(tx, tenantId);
  const { defaultRole: name } = settings;
  const roles = name === undefined ? [] : await rolesOf(tx, tenantId, { name });
  return [defaultRole(settings, roles)];
}

function defaultRole({ defaultRole: name }: TenantSettings, roles: readonly Role[]): string {
  return name !== undefined && roles.some((role) => role.name === name) ? name : "member";
}

/** Roles that nobody gets by default: whoever makes users would make rulers. */
const RULING: readonly string[] = [SYSTEM_ROLES.owner, SYSTEM_ROLES.super_admin];

/** Nobody gives by default what they could not give by name. @throws ValidationError, PermissionError */
export async function assertMayGiveByDefault(
  tx: Transaction,
  ctx: Asking,
  tenantId: string,
  name: string,
): Promise<void> {
  const [role] = await rolesOf(tx, tenantId, { name });
  if (!role || RULING.includes(role.id))
    throw new ValidationError([
      { path: "settings.defaultRole", message: "There is no such role to give by default" },
    ]);
  if (!isWithin(ctx.principal.permissions, role) || !mayAssign(ctx))
    throw new PermissionError("You cannot give this role, neither by name nor by default.");
}

/**
 * What is left of the roles of an invitation: those that were deleted are left out. It is the word of whoever sent it, so
 * it gives no more than they may give now. Null when that is not all of what is left, or nothing is left.
 */
export async function rolesStillGiven(
  tx: Transaction,
  tenantId: string,
  { invitedBy, roleIds }: { invitedBy: string | null; roleIds: string[] },
): Promise<Role[] | null> {
  const inviter = await lockInviter(tx, invitedBy, tenantId);
  if (!inviter) return null;
  await lockGrantsIn(tx, tenantId);
  const may = await heldBy(tx, inviter);
  const roles = await rolesOf(tx, tenantId, { id: { in: roleIds } });
  const byDefault = await defaultRoles(tx, tenantId);
  const isAllowed =
    may.has("invitation:create") &&
    roles.every(
      (role) => (byDefault.includes(role.name) || may.has("role:assign")) && isWithin(may, role),
    );
  return isAllowed && roles.length > 0 ? roles.map(({ id, name }) => ({ id, name })) : null;
}

/**
 * Nobody changes an account that may do more than they may: an admin who could take over the owner would be the owner.
 * A machine may not change its own user either unless its scopes hold all that the user may do: with a new address for
 * its user, and a new password by mail, a key of one scope would become a session with every right.
 * @throws PermissionError
 */
export async function assertMayManage(
  tx: Transaction,
  { principal }: Asking,
  userId: string,
): Promise<void> {
  if (userId === principal.userId && principal.apiKeyId === null) return;
  const held = await heldBy(tx, { userId });
  if (![...held].every((key) => principal.permissions.has(key)))
    throw new PermissionError("This user may do more than you: only their peers can change them.");
}

/**
 * Keeps the last active owner of a tenant, or the last super admin, from going. Call it before the user loses the role,
 * the account or access to it: callers of one tenant come one after the other, so that two owners cannot remove each
 * other at once. @throws ApiError `last_owner` or `last_super_admin`.
 */
export async function assertNotLastRuler(
  tx: Transaction,
  user: { id: string; tenantId: string | null },
): Promise<void> {
  if (!(await isLastRuler(tx, user))) return;
  if (user.tenantId === null) throw new ApiError("last_super_admin");
  throw new ApiError("last_owner");
}

/** Whether they are. Callers of several tenants come in the order of their ids. */
export async function isLastRuler(
  tx: Transaction,
  { id, tenantId }: { id: string; tenantId: string | null },
): Promise<boolean> {
  await lockGrantsIn(tx, tenantId);
  const roleId = SYSTEM_ROLES[rulingRole(tenantId)];
  const rulers = await tx.user.findMany({
    where: {
      tenantId,
      // A machine cannot rule: it cannot log in.
      kind: "person",
      ...LIVE,
      roles: { some: { roleId, tenantId } },
    },
    select: { id: true },
    take: 2,
  });
  return rulers.length === 1 && rulers[0]?.id === id;
}

/** The role of which a tenant, or the platform, must always have somebody. */
export function rulingRole(tenantId: string | null) {
  return tenantId === null ? "super_admin" : "owner";
}

type Permitting = { permissions: { permissionKey: string }[] };

function isWithin(held: ReadonlySet<string>, { permissions }: Permitting): boolean {
  return permissions.every(({ permissionKey }) => held.has(permissionKey));
}

/** Of the system's roles and the tenant's own. */
function rolesOf(tx: Transaction, tenantId: string | null, where: Prisma.RoleWhereInput) {
  return tx.role.findMany({
    where: { ...where, OR: [{ tenantId: null }, { tenantId }] },
    select: { id: true, name: true, permissions: { select: { permissionKey: true } } },
  });
}

type Inviter = { userId: string; tenantId: string | null };

/**
 * The row of somebody of the tenant is not shared: those who share a row go past whoever waits for all of it, and a stream
 * of guests would keep an inviter from being disabled. A platform account's is, as by its own requests: those take the
 * lock of the grants before it, which comes after it here.
 */
async function lockInviter(
  tx: Transaction,
  id: string | null,
  tenantId: string,
): Promise<Inviter | undefined> {
  const find = (rest: Prisma.Sql) => tx.$queryRaw<Inviter[]>`
    SELECT id AS "userId", tenant_id AS "tenantId" FROM users
    WHERE id = ${id}::uuid AND ${Prisma.raw(LIVE_USER_SQL)} AND ${rest}`;
  const [member] = await find(Prisma.sql`tenant_id = ${tenantId}::uuid FOR NO KEY UPDATE`);
  if (member) return member;
  const [operator] = await find(Prisma.sql`tenant_id IS NULL FOR SHARE`);
  return operator;
}
