/** Which permissions there are: Tenantry's own and those that were declared for applications. */
import type { Prisma } from "../../generated/prisma/client.ts";
import type { AuthedContext } from "../context.ts";
import type { Database, Transaction } from "../db/client.ts";
import { LOCKS } from "../db/lock-names.ts";
import { NotFoundError, ValidationError } from "../errors.ts";
import type { GrantStore } from "./grants.ts";
import { LEVELS, type Level, type Permission, type PermissionList } from "./permission-schemas.ts";
import { isApplications, SYSTEM_ROLES } from "./permissions.ts";

/** Who holds it by a system role: what is said of that stands nowhere else. */
const select = {
  key: true,
  description: true,
  roles: { where: { tenantId: null }, select: { roleId: true } },
} satisfies Prisma.PermissionSelect;

type Row = Prisma.PermissionGetPayload<{ select: typeof select }>;

/** All of them, by key. */
export async function listPermissions({ db }: Pick<AuthedContext, "db">): Promise<PermissionList> {
  const rows = await db.permission.findMany({ orderBy: { key: "asc" }, select });
  return { items: rows.map(toPermission) };
}

/** @throws NotFoundError also for what cannot be a key: PostgreSQL takes not every text. */
export async function getPermission(db: Database, key: string): Promise<Permission> {
  const found = /^[a-z0-9:_-]{1,64}$/.test(key) ? await findPermission(db, key) : null;
  if (!found) throw new NotFoundError("permission");
  return found;
}

export async function findPermission(db: Database, key: string): Promise<Permission | null> {
  const row = await db.permission.findFirst({ where: { key }, select });
  return row && toPermission(row);
}

/** By key, of these. */
export async function findPermissions(
  db: Database,
  keys: readonly string[],
): Promise<Map<string, Permission>> {
  const rows = await db.permission.findMany({ where: { key: { in: [...keys] } }, select });
  return new Map(rows.map((row) => [row.key, toPermission(row)]));
}

function toPermission({ key, description, roles }: Row): Permission {
  const heldFrom = levelOf(roles.map(({ roleId }) => roleId));
  const platform = heldFrom === "super_admin";
  return { key, description, application: isApplications(key), heldFrom, platform };
}

/** Of all system roles that hold it, the widest. */
function levelOf(roleIds: readonly string[]): Level {
  return LEVELS.findLast((level) => roleIds.includes(SYSTEM_ROLES[level])) ?? "super_admin";
}

/** @throws ValidationError for an application's permission that is not declared. Answered from memory. */
export async function assertDeclared(
  { grants }: { grants: Pick<GrantStore, "declared"> },
  keys: readonly string[],
  path: string,
): Promise<void> {
  const asked = keys.filter(isApplications);
  if (asked.length === 0) return;
  const declared = await grants.declared();
  assertNone(
    asked.filter((key) => !declared.has(key)),
    path,
    "There is no permission",
  );
}

/**
 * Of what is put into a tenant's role: each is declared, for tenants, and stays so until the transaction ends. Whoever
 * removes one waits for whoever gives it, and the other way round. After the lock of the grants. @throws ValidationError
 */
export async function assertForTenants(tx: Transaction, keys: readonly string[]): Promise<void> {
  const wanted = keys.filter(isApplications);
  if (wanted.length === 0) return;
  await tx.$executeRaw`SELECT pg_advisory_xact_lock_shared(${LOCKS.permissions}::int, 1)`;
  const found = await findPermissions(tx, wanted);
  assertNone(
    wanted.filter((key) => !found.has(key)),
    "permissions",
    "There is no permission",
  );
  assertNone(
    wanted.filter((key) => found.get(key)?.platform),
    "permissions",
    "This is for platform accounts alone:",
  );
}

/** One after the other declares, changes or removes; nobody puts one into a role meanwhile. */
export async function lockDeclarations(tx: Transaction): Promise<void> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(${LOCKS.permissions}::int, 1)`;
}

function assertNone(keys: readonly string[], path: string, message: string): void {
  if (keys.length > 0)
    throw new ValidationError(keys.map((key) => ({ path, message: `${message} ${key}` })));
}
