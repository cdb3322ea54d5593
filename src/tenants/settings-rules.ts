/** What has to be right about settings before they are written. */
import type { Prisma } from "../../generated/prisma/client.ts";
import type { AuthedContext } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { assertMayGiveByDefault } from "../roles/giving.ts";
import {
  assertWithinInstallation,
  type TenantSettings,
  type UpdateTenantSettings,
} from "../tenant-settings/settings.ts";

/** @throws ValidationError, PermissionError */
export async function assertSettings(
  tx: Transaction,
  ctx: AuthedContext,
  tenantId: string,
  settings: UpdateTenantSettings,
): Promise<void> {
  assertWithinInstallation(ctx.config, settings);
  if (settings.defaultRole) await assertMayGiveByDefault(tx, ctx, tenantId, settings.defaultRole);
}

/** Zod's optional keys may be undefined, which Prisma's JSON may not. */
export function asJson(settings: TenantSettings): Prisma.InputJsonObject {
  return JSON.parse(JSON.stringify(settings));
}
