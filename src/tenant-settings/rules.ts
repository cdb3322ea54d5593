/** What has to be right about settings before they are written. */
import type { Prisma } from "../../generated/prisma/client.ts";
import type { AuthedContext } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { PermissionError, ValidationError } from "../errors.ts";
import { SYSTEM_ROLES } from "../roles/permissions.ts";
import {
  assertWithinInstallation,
  type TenantSettings,
  type UpdateTenantSettings,
} from "./settings.ts";

/** Roles that nobody gets by default: whoever makes users would make rulers. */
const RULING: readonly string[] = [SYSTEM_ROLES.owner, SYSTEM_ROLES.super_admin];

/** @throws ValidationError, PermissionError */
export async function assertSettings(
  tx: Transaction,
  ctx: AuthedContext,
  tenantId: string,
  settings: UpdateTenantSettings,
): Promise<void> {
  assertWithinInstallation(ctx.config, settings);
  if (settings.defaultRole) await assertDefaultRole(tx, ctx, tenantId, settings.defaultRole);
}

/** Nobody gives by default what they could not give by name. */
async function assertDefaultRole(
  tx: Transaction,
  { principal }: AuthedContext,
  tenantId: string,
  name: string,
): Promise<void> {
  const role = await tx.role.findFirst({
    where: { name, OR: [{ tenantId: null }, { tenantId }] },
    select: { id: true, permissions: { select: { permissionKey: true } } },
  });
  if (!role || RULING.includes(role.id))
    throw new ValidationError([
      { path: "settings.defaultRole", message: "There is no such role to give by default" },
    ]);
  const mayGive = role.permissions.every((row) => principal.permissions.has(row.permissionKey));
  if (!mayGive || !principal.permissions.has("role:assign"))
    throw new PermissionError("You cannot give this role, neither by name nor by default.");
}

/** Zod's optional keys may be undefined, which Prisma's JSON may not. */
export function asJson(settings: TenantSettings): Prisma.InputJsonObject {
  return JSON.parse(JSON.stringify(settings));
}
