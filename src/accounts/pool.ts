/**
 * In which pool an account is, and so what a tenant may say of a person. Anybody may own a tenant, so its word proves
 * nothing: neither that an address is somebody's, nor whose the password is that it sets. And no answer may tell it who has
 * an account elsewhere. So whom a tenant adds is in its own pool, where its word opens nothing but itself, until the person
 * proves the address (settle.ts). What the person made or proved, and what the operator made, is in the pool that all
 * tenants share. A tenant with `userPool: "isolated"` keeps its people in its own pool for good.
 */
import type { PasswordOrigin } from "../../generated/prisma/client.ts";
import type { Config } from "../config.ts";
import type { AuthedContext } from "../context.ts";
import type { TenantSettings } from "../tenant-settings/settings.ts";

export type UserPool = "shared" | "isolated";

const BY_SCOPE = { global: "shared", tenant: "isolated" } as const;

/** Whose accounts the people of a tenant have; EMAIL_SCOPE is the default. */
export function userPoolOf(
  { emailScope }: Pick<Config, "emailScope">,
  { userPool }: TenantSettings,
): UserPool {
  return userPool ?? BY_SCOPE[emailScope];
}

type Where = { tenantId: string | null; settings: TenantSettings };

/** The pool of an account that somebody makes in person, with a proof of the address or as the owner of a new tenant. */
export function poolOfPerson({ config }: { config: Config }, { tenantId, settings }: Where) {
  return userPoolOf(config, settings) === "shared" ? null : tenantId;
}

/** The pool of an account that the caller makes for somebody else. */
export function poolOfAdded(ctx: AuthedContext, where: Where): string | null {
  return ctx.principal.tenantId === null ? poolOfPerson(ctx, where) : where.tenantId;
}

/** Whether what the caller says of an address is a fact: that of a platform account, or of a tenant with a pool of its own. */
export function isBelieved(
  { principal, config }: Pick<AuthedContext, "principal" | "config">,
  settings: TenantSettings,
): boolean {
  return principal.tenantId === null || userPoolOf(config, settings) === "isolated";
}

/** Whose a password is that the caller sets for somebody else. */
export function originOfGiven({ principal }: Pick<AuthedContext, "principal">): PasswordOrigin {
  return principal.tenantId === null ? "vouched" : "tenant";
}

/** As `provisionalSql`, of an account in `poolId`. */
export function isProvisional(
  config: Pick<Config, "emailScope">,
  { poolId, settings }: { poolId: string | null; settings: TenantSettings },
): boolean {
  return poolId !== null && userPoolOf(config, settings) === "shared";
}

/**
 * Whether nobody but the tenant has said whose the address is, as SQL of a row of `accounts` with that of `tenants` beside
 * it. What strangers do with such an address stands in no log that the tenant reads: where it means a shared account there
 * would be nothing, and that would tell.
 */
export function provisionalSql({ emailScope }: Pick<Config, "emailScope">): string {
  return `(accounts.pool_id IS NOT NULL
    AND coalesce(tenants.settings ->> 'userPool', '${BY_SCOPE[emailScope]}') <> 'isolated')`;
}
