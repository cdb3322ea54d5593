import { recordAudit } from "../audit/record.ts";
import type { AuthedContext, Context } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { commit } from "../db/commit.ts";
import { violatesUnique } from "../db/failures.ts";
import { newId } from "../db/id.ts";
import { ApiError, PermissionError } from "../errors.ts";
import { looksOf, withHonestName } from "./lookalike.ts";
import {
  type CreateTenantInput,
  type Tenant,
  type TenantRow,
  tenantSelect,
  toTenant,
} from "./schemas.ts";
import { asJson, assertSettings } from "./settings-rules.ts";

/**
 * Makes a tenant without users.
 * @throws ValidationError, PermissionError; ApiError `slug_taken`, also when a deleted tenant holds the slug, `name_confusable`.
 */
export async function createTenant(ctx: AuthedContext, input: CreateTenantInput): Promise<Tenant> {
  if (ctx.principal.tenantId !== null)
    throw new PermissionError("Tenants are made by platform accounts, or by registering.");
  assertMayLimit(ctx, input.seatLimit);
  return commit(ctx, async (tx) => {
    const id = newId();
    if (input.settings) await assertSettings(tx, ctx, id, input.settings);
    const tenant = await insertTenant(tx, { id, ...input, createdBy: ctx.principal.userId });
    await recordAudit(tx, ctx, {
      action: "tenant.created",
      resourceType: "tenant",
      resourceId: tenant.id,
      tenantId: tenant.id,
      details: { slug: tenant.slug },
    });
    return toTenant(tenant);
  });
}

/** The insert alone, for callers with a transaction of their own. */
export async function insertTenant(
  tx: Transaction,
  data: CreateTenantInput & { id: string; createdBy: string },
): Promise<TenantRow> {
  const { settings, ...rest } = data;
  const write = tx.tenant.create({
    data: {
      ...rest,
      ...(await looksOf(rest.name)),
      ...(settings && { settings: asJson(settings) }),
    },
    select: tenantSelect,
  });
  return withSlugTaken(withHonestName(write));
}

/** @throws PermissionError for a tenant's own people, who would give themselves what they have not paid for. */
export function assertMayLimit({ principal }: AuthedContext, seatLimit: number | null | undefined) {
  if (seatLimit !== undefined && principal.tenantId !== null)
    throw new PermissionError("How many seats there are is decided by the operator.");
}

/** For callers that make the tenant later. @throws ApiError `slug_taken`. */
export async function assertSlugFree({ db }: Context, slug: string): Promise<void> {
  if ((await db.tenant.count({ where: { slug } })) > 0) throw new ApiError("slug_taken");
}

export async function withSlugTaken<T>(write: Promise<T>): Promise<T> {
  try {
    return await write;
  } catch (err) {
    if (violatesUnique(err, "tenants_slug_key"))
      throw new ApiError("slug_taken", undefined, { cause: err });
    throw err;
  }
}
