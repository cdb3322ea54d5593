/** Moving a tenant that has people between the shared pool of accounts and one of its own (accounts/pool.ts). */
import { userPoolOf } from "../accounts/pool.ts";
import { recordAudit } from "../audit/record.ts";
import type { AuthedContext } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { afterCommit, commit } from "../db/commit.ts";
import { assertExpected, type Expected } from "../db/expected.ts";
import { newId } from "../db/id.ts";
import { touch } from "../db/touch.ts";
import { PermissionError } from "../errors.ts";
import { type MailRequest, requestMail } from "../mail/requests.ts";
import { assertRecentProof } from "../sessions/recent-proof.ts";
import { revokeSessionUsers } from "../sessions/revoke.ts";
import { readSettings } from "../tenant-settings/settings.ts";
import { addedWithAccount } from "./added.ts";
import { type LockedTenant, lockTenant } from "./change.ts";
import type { MoveUserPoolInput, UserPoolMove } from "./schemas.ts";
import { asJson } from "./settings-rules.ts";

type Counts = Pick<UserPoolMove, "moved" | "copied" | "provisional">;
/** What was done, and who is to hear of it. */
type Outcome = { counts: Counts; mails: MailRequest[] };

const NOTHING: Outcome = { counts: { moved: 0, copied: 0, provisional: 0 }, mails: [] };

/** A long list of people takes its time; nobody logs in to the tenant meanwhile. */
const LONGEST = { timeout: 60_000 };

/**
 * Moves the accounts of a tenant's people, as far as that takes nothing from anybody. Into a pool of its own: who is here alone
 * comes with password and factors; who has other tenants keeps their account there, and gets one here without a password, and
 * a mail that sets one. Into the shared pool: whose address is free there and proved by more than the word of the tenant. The
 * others stay in the tenant's pool until they prove it; who has a shared account gets a mail to join with it. A dry run
 * writes nothing.
 * @throws NotFoundError; PermissionError for anybody but a platform account; ApiError `precondition_failed`,
 * `reauthentication_required`.
 */
export async function moveUserPool(
  ctx: AuthedContext,
  id: string,
  { userPool, dryRun }: MoveUserPoolInput,
  expected: Expected = {},
): Promise<UserPoolMove> {
  // It ends sessions and accounts' ways in.
  assertRecentProof(ctx);
  const input = { userPool, dryRun };
  try {
    const counts = await commit(ctx, (tx) => move(tx, ctx, id, input, expected), LONGEST);
    return { ...input, ...counts };
  } catch (err) {
    if (err instanceof DryRun) return { ...input, ...err.counts };
    throw err;
  }
}

/** Takes back what was written to be counted. */
class DryRun extends Error {
  constructor(readonly counts: Counts) {
    super("a dry run writes nothing");
  }
}

async function move(
  tx: Transaction,
  ctx: AuthedContext,
  id: string,
  { userPool, dryRun }: MoveUserPoolInput,
  expected: Expected,
): Promise<Counts> {
  const tenant = await lockTenant(tx, ctx, id, false);
  if (ctx.principal.tenantId !== null)
    throw new PermissionError("Whose accounts a tenant has is decided by the operator.");
  assertExpected(expected, tenant.version);
  const settings = readSettings(tenant.settings);
  const { counts, mails } = await moveAccounts(tx, ctx, tenant, {
    from: userPoolOf(ctx.config, settings),
    to: userPool,
  });
  if (dryRun) throw new DryRun(counts);
  await tx.tenant.update({
    where: { id: tenant.id },
    data: { settings: asJson({ ...settings, userPool }), ...touch(ctx) },
    select: { id: true },
  });
  for (const mail of mails) await requestMail(ctx, mail, tx);
  await recordAudit(tx, ctx, {
    action: "tenant.user_pool_moved",
    resourceType: "tenant",
    resourceId: tenant.id,
    tenantId: tenant.id,
    // How many have other tenants is theirs.
    details: { userPool },
  });
  return counts;
}

type Direction = Record<"from" | "to", UserPoolMove["userPool"]>;

function moveAccounts(
  tx: Transaction,
  ctx: AuthedContext,
  tenant: LockedTenant,
  { from, to }: Direction,
): Promise<Outcome> | Outcome {
  if (from === to) return NOTHING;
  return to === "isolated" ? isolate(tx, ctx, tenant) : share(tx, tenant);
}

async function isolate(
  tx: Transaction,
  ctx: AuthedContext,
  { id, slug }: LockedTenant,
): Promise<Outcome> {
  // Whoever joins another tenant holds their account: they are there before the next statement looks, or not at all.
  await tx.$executeRaw`
    SELECT FROM accounts WHERE pool_id IS NULL AND id IN (SELECT account_id FROM users WHERE tenant_id = ${id}::uuid)
    ORDER BY id FOR UPDATE`;
  const moved = await countOf(tx.$queryRaw`
    WITH moved AS (
      UPDATE accounts SET pool_id = ${id}::uuid
      WHERE pool_id IS NULL AND id IN (SELECT account_id FROM users WHERE tenant_id = ${id}::uuid)
        AND NOT EXISTS (SELECT FROM users WHERE account_id = accounts.id AND tenant_id IS DISTINCT FROM ${id}::uuid)
      RETURNING is_deleted)
    SELECT count(*) FILTER (WHERE NOT is_deleted)::int AS count FROM moved`);
  // The deleted ones too: they may come back, and not with an account that opens other tenants.
  const shared = await tx.$queryRaw<{ id: string; email: string; isDeleted: boolean }[]>`
    SELECT users.id, users.email, users.is_deleted AS "isDeleted" FROM users JOIN accounts ON accounts.id = users.account_id
    WHERE users.tenant_id = ${id}::uuid AND accounts.pool_id IS NULL ORDER BY users.id`;
  await giveOwnAccounts(tx, ctx, { id, userIds: shared.map((user) => user.id) });
  const copied = shared.filter((user) => !user.isDeleted);
  const mails = copied.map(
    (user): MailRequest => ({
      kind: "reset_password",
      email: user.email,
      tenant: slug,
      userId: user.id,
    }),
  );
  return { counts: { moved, copied: copied.length, provisional: 0 }, mails };
}

/** An account of the tenant's own pool, without credentials, in place of the one that they share with other tenants. */
async function giveOwnAccounts(
  tx: Transaction,
  ctx: AuthedContext,
  { id, userIds }: { id: string; userIds: string[] },
): Promise<void> {
  if (userIds.length === 0) return;
  await revokeSessionUsers(tx, ctx, { userId: { in: userIds }, tenantId: id }, "tenant_left");
  const accountIds = userIds.map(() => newId());
  await tx.$executeRaw`
    INSERT INTO accounts (id, pool_id, email, is_deleted, deleted_at)
    SELECT given.account_id, users.tenant_id, users.email, users.is_deleted, users.deleted_at
    FROM unnest(${userIds}::uuid[], ${accountIds}::uuid[]) AS given (user_id, account_id) JOIN users ON users.id = given.user_id`;
  await tx.$executeRaw`
    UPDATE users SET account_id = given.account_id
    FROM unnest(${userIds}::uuid[], ${accountIds}::uuid[]) AS given (user_id, account_id) WHERE users.id = given.user_id`;
  // What was half done was done with the other account: log-ins, links, a change of the address.
  await tx.$executeRaw`
    UPDATE one_time_tokens SET used_at = now() WHERE user_id = ANY (${userIds}::uuid[]) AND used_at IS NULL`;
  afterCommit(tx, () => ctx.grants.forget());
}

/**
 * Where the tenant has set the password, its word may be all that proves the address: it counted in its own pool. In the
 * shared one it would make the account of anybody whose address the tenant has written down. So it counts no more, and what
 * the tenant has set up goes with the first proof, as in every tenant without a pool of its own.
 */
async function share(tx: Transaction, { id }: LockedTenant): Promise<Outcome> {
  const moved = await countOf(tx.$queryRaw`
    WITH moved AS (
      UPDATE accounts SET pool_id = NULL
      WHERE pool_id = ${id}::uuid AND NOT is_deleted AND email_verified_at IS NOT NULL AND password_origin <> 'tenant'
        AND NOT EXISTS (SELECT FROM accounts AS other
          WHERE other.email = accounts.email AND other.pool_id IS NULL AND NOT other.is_deleted)
      RETURNING id)
    SELECT count(*)::int AS count FROM moved`);
  await tx.account.updateMany({
    where: { poolId: id, passwordOrigin: "tenant", emailVerifiedAt: { not: null } },
    data: { emailVerifiedAt: null },
  });
  const left = { tenantId: id, isDeleted: false, account: { poolId: id } };
  const provisional = await tx.user.count({ where: left });
  const userIds = await addedWithAccount(tx, id);
  const mails: MailRequest[] = userIds.length > 0 ? [{ kind: "added", userIds, tenantId: id }] : [];
  return { counts: { moved, copied: 0, provisional }, mails };
}

async function countOf(counting: Promise<{ count: number }[]>): Promise<number> {
  const [row] = await counting;
  return row?.count ?? 0;
}
