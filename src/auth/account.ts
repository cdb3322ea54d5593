import { Prisma } from "../../generated/prisma/client.ts";
import { provisionalSql } from "../accounts/pool.ts";
import type { Context } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { LIVE_ACCOUNT_SQL, LIVE_USER_SQL } from "../db/live.ts";
import { named } from "../db/statement-names.ts";
import type { AccountName } from "../mail/requests.ts";
import { networkOf } from "../network.ts";
import { knownDeviceSql } from "../sessions/device.ts";
import { lockingTenant } from "../tenants/lock.ts";
import { knownSql, lockedOutSql } from "./guessing.ts";

/** What a log-in has to know of an account. */
export type Account = {
  /** As whom it logs in: the user of the tenant that is named, else a live one, the platform's first, then who was here last. */
  id: string;
  accountId: string;
  tenantId: string | null;
  /** Whether it is still to be asked which tenant is meant: none was named, and the account opens several. */
  severalTenants: boolean;
  /** The tenant whose audit log tells what strangers do with the address; null for none (accounts/pool.ts). */
  auditTenantId: string | null;
  email: string;
  passwordHash: string | null;
  verified: boolean;
  /** By too many wrong passwords, for this caller. */
  lockedOut: boolean;
  /** It has been used from the caller's network or device in the last 90 days. */
  known: boolean;
  /** By which of the devices that the caller has shown; null for none. */
  knownDevice: string | null;
  /** The user is not disabled, nor the tenant suspended or deleted. */
  active: boolean;
  /** Of the tenant, as they are stored. */
  settings: unknown;
  /** In a tenant's own pool: the address may be that of another account too. */
  isOfOwnPool: boolean;
};

/**
 * Whether it is to be asked which tenant somebody means who has named none, as SQL. Who has a platform user means that one,
 * which no tenant's name could say. @param accountId SQL.
 */
function severalTenantsSql(accountId: string): string {
  return `(SELECT count(*) > 1 AND bool_and(users.tenant_id IS NOT NULL)
          FROM users LEFT JOIN tenants ON tenants.id = users.tenant_id
          WHERE users.account_id = ${accountId} AND ${LIVE_ACCOUNT_SQL})`;
}

/** `lockedOut`, `known` and `knownDevice`, as SQL. */
function standingSql(caller: Parameters<typeof lockedOutSql>[0]): string {
  return `${lockedOutSql(caller)} AS "lockedOut", ${knownSql(caller.network, caller.devices)} AS known,
    ${knownDeviceSql(caller.devices)} AS "knownDevice"`;
}

const STANDING = standingSql({
  network: "$3::inet",
  devices: "$4::uuid[]",
  most: "$5::int",
  deviceAttempts: "$6::int",
});

/**
 * The account that an address means. Where a tenant is named, that of its user. Else the shared one, before what a tenant
 * has said of the address: the earliest of those, where EMAIL_SCOPE lets people leave the tenant out. One that opens deleted
 * tenants alone comes last: it keeps nobody from another.
 */
function findSql(emailScope: EmailScope) {
  const isProvisional = provisionalSql({ emailScope });
  const unnamed =
    emailScope === "global"
      ? `(accounts.pool_id IS NULL OR ${isProvisional})`
      : "accounts.pool_id IS NULL";
  return named(`
      SELECT users.id, accounts.id AS "accountId", users.tenant_id AS "tenantId", accounts.email,
        CASE WHEN NOT ${isProvisional} THEN users.tenant_id END AS "auditTenantId", accounts.password_hash AS "passwordHash",
        accounts.email_verified_at IS NOT NULL AS verified,
        ${STANDING},
        ${LIVE_ACCOUNT_SQL} AS active, tenants.settings, accounts.pool_id IS NOT NULL AS "isOfOwnPool",
        $2::varchar IS NULL AND ${severalTenantsSql("accounts.id")} AS "severalTenants"
      FROM accounts JOIN users ON users.account_id = accounts.id LEFT JOIN tenants ON tenants.id = users.tenant_id
      WHERE accounts.email = $1 AND NOT accounts.is_deleted AND NOT users.is_deleted
        AND CASE WHEN $2::varchar IS NULL THEN ${unnamed} ELSE tenants.slug = $2 END
      ORDER BY coalesce(tenants.is_deleted, false), accounts.pool_id IS NOT NULL, accounts.created_at, accounts.id,
        ${LIVE_ACCOUNT_SQL} DESC, users.tenant_id IS NOT NULL, users.last_login_at DESC NULLS LAST, users.created_at, users.id
      LIMIT 1`);
}

type EmailScope = Context["config"]["emailScope"];

const FIND = { global: findSql("global"), tenant: findSql("tenant") };

type Caller = Pick<Context, "config" | "origin">;

/** The network, the devices, and when the account is locked out for them. */
function callerValues({ config: { lockout }, origin: { ip, devices = [] } }: Caller) {
  const network = ip === null ? null : networkOf(ip);
  return [network, devices, lockout.mostAttempts, lockout.deviceAttempts] as const;
}

/** One query, whatever there is to find: a second one for what belongs to an account would tell that there is one. */
export async function findAccount(
  ctx: Pick<Context, "pool" | "config" | "origin">,
  { email, tenant }: AccountName,
): Promise<Account | undefined> {
  const { emailScope } = ctx.config;
  const { rows } = await ctx.pool.query<Account>({
    ...FIND[emailScope],
    values: [email, tenant ?? null, ...callerValues(ctx)],
  });
  return rows[0];
}

/** As `severalTenants` of an account, where no tenant was named. */
export async function opensSeveralTenants(tx: Transaction, accountId: string): Promise<boolean> {
  const [{ several }] = await tx.$queryRaw<[{ several: boolean }]>`
    SELECT ${Prisma.raw(severalTenantsSql("account.id"))} AS several FROM (SELECT ${accountId}::uuid AS id) AS account`;
  return several;
}

/** As `auditTenantId` of an account; null for nobody, after the same statement. */
export async function auditTenantOf(
  tx: Transaction,
  { config }: Pick<Context, "config">,
  userId: string | null,
): Promise<string | null> {
  const [user] = await tx.$queryRaw<{ tenantId: string | null }[]>`
    SELECT CASE WHEN NOT ${Prisma.raw(provisionalSql(config))} THEN users.tenant_id END AS "tenantId"
    FROM users JOIN accounts ON accounts.id = users.account_id LEFT JOIN tenants ON tenants.id = users.tenant_id
    WHERE users.id = ${userId}::uuid`;
  return user?.tenantId ?? null;
}

export type LockedAccount = {
  /** The user by whom it is spoken of. */
  id: string;
  tenantId: string | null;
  accountId: string;
  /** By too many wrong guesses, for this caller. */
  lockedOut: boolean;
  /** As of an account. */
  known: boolean;
  knownDevice: string | null;
};

export type Standing = Pick<LockedAccount, "lockedOut" | "known" | "knownDevice">;

const STANDING_OF_CALLER = Prisma.raw(
  standingSql({
    network: "caller.network",
    devices: "caller.devices",
    most: "caller.most",
    deviceAttempts: "caller.device_attempts",
  }),
);

function callerSql(ctx: Caller): Prisma.Sql {
  const [network, devices, most, deviceAttempts] = callerValues(ctx);
  return Prisma.sql`(SELECT ${network}::inet AS network, ${[...devices]}::uuid[] AS devices, ${most}::int AS most,
    ${deviceAttempts}::int AS device_attempts) AS caller`;
}

/**
 * Locks the account and its user for the end of a log-in. Null unless user and tenant are active, and the address proved
 * where that is required; all of it stays so until the transaction ends. Everywhere in this order, tenant before account
 * before user before token, so that nobody waits in a circle.
 * @param passwordHash that still has to be the account's.
 */
export async function lockActiveAccount(
  tx: Transaction,
  ctx: Caller,
  user: UserOfTenant,
  passwordHash?: string,
): Promise<LockedAccount | null> {
  const [account] = await tx.$queryRaw<LockedAccount[]>(
    lockingActiveAccount(ctx, user, passwordHash),
  );
  return account ?? null;
}

type UserOfTenant = { id: string; tenantId: string | null };

/** The statement of that, for those who send it ahead of another one. */
export function lockingActiveAccount(
  ctx: Caller,
  { id, tenantId }: UserOfTenant,
  passwordHash?: string,
): Prisma.Sql {
  const tenant = tenantId === null ? Prisma.empty : Prisma.sql`WITH ${lockingTenant(tenantId)}`;
  const isOpen = tenantId === null ? Prisma.sql`true` : Prisma.sql`EXISTS (SELECT FROM tenant)`;
  const isSame =
    passwordHash === undefined
      ? Prisma.sql`true`
      : Prisma.sql`accounts.password_hash = ${passwordHash}`;
  return Prisma.sql`${tenant}
    SELECT users.id, users.tenant_id AS "tenantId", accounts.id AS "accountId",
      ${STANDING_OF_CALLER}
    FROM accounts JOIN users ON users.account_id = accounts.id,
      ${callerSql(ctx)}
    WHERE ${isOpen} AND users.id = ${id}::uuid AND users.tenant_id IS NOT DISTINCT FROM ${tenantId}::uuid
      AND NOT accounts.is_deleted AND ${Prisma.raw(LIVE_USER_SQL)}
      AND (${ctx.config.emailVerification} = 'optional' OR accounts.email_verified_at IS NOT NULL) AND ${isSame}
    FOR UPDATE OF accounts, users`;
}

/**
 * How an account stands with the caller, without a lock: one statement, whether there is such an account or not. Nobody's
 * account is open.
 */
export async function standingOf(
  tx: Transaction,
  ctx: Caller,
  userId: string | null,
): Promise<Standing> {
  const [standing] = await tx.$queryRaw<Standing[]>`
    SELECT ${STANDING_OF_CALLER}
    FROM accounts JOIN users ON users.account_id = accounts.id,
      ${callerSql(ctx)}
    WHERE users.id = ${userId}::uuid`;
  return standing ?? { lockedOut: false, known: false, knownDevice: null };
}
