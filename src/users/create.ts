import type { Prisma } from "../../generated/prisma/client.ts";
import { freeBarred } from "../accounts/barred.ts";
import { originOfGiven, poolOfAdded, poolOfPerson } from "../accounts/pool.ts";
import { recording } from "../audit/record.ts";
import type { AuthedContext, Context } from "../context.ts";
import { hashedFor } from "../crypto/password.ts";
import type { Transaction } from "../db/client.ts";
import { commit } from "../db/commit.ts";
import { violatesUnique } from "../db/failures.ts";
import { newId } from "../db/id.ts";
import { inOrder } from "../db/in-order.ts";
import { ApiError, NotFoundError, PermissionError } from "../errors.ts";
import { targetTenant } from "../principal.ts";
import type { Attempt } from "../rate-limits/rate-limits.ts";
import { assertMayAssign, rolesAmong } from "../roles/giving.ts";
import { assertInPerson } from "../roles/in-person.ts";
import { settingsOf } from "../tenant-settings/settings.ts";
import {
  admitAddress,
  admitPerson,
  assertAllowedDomain,
  assertFreeSeat,
} from "../tenants/admission.ts";
import { lockForNewUser, readForNewUser } from "./create-sql.ts";
import { type InsertedUser, insertUserWithRoles } from "./insert.ts";
import { assertAcceptablePassword, ownerSelect } from "./password-policy.ts";
import { toUser, type User, type UserRow } from "./public-user.ts";
import type { CreateUserInput } from "./schemas.ts";
import { tellAdded, tellAddedSoon } from "./tell-added.ts";

/**
 * Makes a user in the caller's tenant; a platform account may name another one. Without a password the user cannot log
 * in yet. An imported hash is of a password that nobody here has seen, so no policy is asked about it. Whether the address
 * has an account in another tenant makes no difference that the caller could see (accounts/pool.ts): its person hears of it.
 * @throws ApiError `email_taken`, `seat_limit`, `validation_failed`, `permission_denied`, `not_found` (the tenant),
 * `impersonation_forbidden` for a password in somebody else's name, `rate_limited`.
 */
export async function createUser(ctx: AuthedContext, input: CreateUserInput): Promise<User> {
  await countNewUsers(ctx, [input]);
  return createCounted(ctx, input, tellAddedSoon);
}

/** The same for users that were counted before, many at once: amid a transaction there is no second connection for it. */
export async function createCounted(
  ctx: AuthedContext,
  input: CreateUserInput,
  tell = (...[tx, ctx, into, id]: Parameters<typeof tellAddedSoon>) =>
    tellAdded(tx, ctx, into, [id]),
): Promise<User> {
  const tenantId = targetTenant(ctx, input.tenantId);
  if (input.roles) assertMayAssign(ctx);
  if (input.passwordHash !== undefined && !ctx.principal.permissions.has("user:import")) {
    throw new PermissionError("Giving a password hash needs the permission user:import.");
  }
  if (input.password !== undefined || input.passwordHash !== undefined)
    assertInPerson(ctx.principal, "set_password");
  const passwordHash = input.passwordHash ?? (await hashAcceptable(ctx, input, tenantId));

  return commit(ctx, async (tx) => {
    const [isActive, { giving, freeSeats }] = await inOrder(
      lockForNewUser(tx, ctx, tenantId),
      readForNewUser(tx, ctx, tenantId, input.roles),
    );
    if (!isActive) throw new NotFoundError("tenant");
    const { settings } = giving;
    const roles = rolesAmong(ctx, tenantId, input.roles, giving);
    assertAllowedDomain(settings, input.email);
    assertFreeSeat(freeSeats);
    const id = newId();
    const names = roles.map((role) => role.name);
    const [row] = await inOrder(
      insertAdmitted(
        tx,
        {
          id,
          tenantId,
          email: input.email,
          firstName: input.firstName ?? null,
          lastName: input.lastName ?? null,
          passwordHash,
          passwordOrigin: originOfGiven(ctx),
          roleIds: roles.map((role) => role.id),
          createdBy: ctx.principal.userId,
        },
        poolOfAdded(ctx, { tenantId, settings }),
        recording(ctx, {
          action: "user.created",
          resourceType: "user",
          resourceId: id,
          tenantId,
          details: {
            roles: names,
            ...(input.passwordHash !== undefined && { passwordImported: true }),
          },
        }),
      ),
      tell(tx, ctx, { tenantId, settings }, id),
    );
    return toUser(row, names);
  });
}

type NewUser = Omit<InsertedUser, "emailVerifiedAt"> & {
  tenantId: string | null;
  emailVerifiedAt?: Date | null;
  roleIds: string[];
  createdBy: string;
};

type Admission = {
  /** True for who was invited: the invitation held the seat until now. */
  hasSeat?: boolean;
  /** In which the account is. Without it: in that of a person who makes it for themselves. */
  poolId?: string | null;
};

/**
 * The insert alone, for callers with a transaction of their own.
 * @throws ApiError `email_taken`, `seat_limit`; ValidationError for an address that the tenant does not let in.
 */
export async function insertUser(
  tx: Transaction,
  ctx: Context,
  user: NewUser,
  { hasSeat = false, poolId }: Admission = {},
): Promise<UserRow> {
  const { tenantId, email } = user;
  if (hasSeat) await admitAddress(tx, tenantId, email);
  else if (user.kind !== "service") await admitPerson(tx, tenantId, email);
  // The person themselves, with a proof.
  if (user.passwordOrigin === "own" && user.emailVerifiedAt) await freeBarred(tx, email);
  const pool =
    poolId === undefined
      ? poolOfPerson(ctx, { tenantId, settings: await settingsOf(tx, tenantId) })
      : poolId;
  return insertAdmitted(tx, user, pool);
}

/** @throws ApiError `email_taken` */
async function insertAdmitted(
  tx: Transaction,
  { roleIds, tenantId, createdBy, emailVerifiedAt = null, ...user }: NewUser,
  poolId: string | null,
  beside?: Prisma.Sql,
): Promise<UserRow> {
  const target = { tenantId, createdBy, poolId };
  const row = await insertUserWithRoles(
    tx,
    target,
    { ...user, emailVerifiedAt },
    { roleIds, beside },
  );
  if (!row) throw emailTaken();
  return row;
}

export function emailTaken(cause?: unknown): ApiError {
  return new ApiError("email_taken", undefined, { cause });
}

/** What the address is unique by: in its pool and in the tenant, where an account has one user besides. */
const ONE_EACH = ["accounts_live_email", "users_tenant_email", "users_one_membership"];

/** Turns the refusal of an index into the error. @throws ApiError `email_taken` */
export async function withEmailTaken<T>(write: Promise<T>): Promise<T> {
  try {
    return await write;
  } catch (err) {
    if (ONE_EACH.some((index) => violatesUnique(err, index))) throw emailTaken(err);
    throw err;
  }
}

async function hashAcceptable(
  ctx: AuthedContext,
  { password, ...owner }: CreateUserInput,
  tenantId: string | null,
): Promise<string | null> {
  if (password === undefined) return null;
  const tenant =
    tenantId === null
      ? null
      : await ctx.db.tenant.findFirst({ where: { id: tenantId }, ...ownerSelect.tenant });
  await assertAcceptablePassword(ctx.config, password, { ...owner, tenant });
  return ctx.passwords.hash(password, hashedFor(ctx));
}

/**
 * Counts users that are about to be made, in whatever way, and the passwords that have to be hashed for them. What the
 * operator makes in a tenant, perhaps a million people who move in, is nobody's to limit. @throws ApiError `rate_limited`
 */
export async function countNewUsers(
  { rateLimits, principal: { tenantId } }: AuthedContext,
  users: readonly { password?: unknown }[],
): Promise<void> {
  if (tenantId === null) return;
  const passwords = users.filter(({ password }) => password !== undefined).length;
  const attempts: Attempt[] = [
    { policy: "new_users", who: tenantId, points: users.length },
    { policy: "set_passwords", who: tenantId, points: passwords },
  ];
  await rateLimits.consumeAll(attempts.filter(({ points = 1 }) => points > 0));
}

/** The same of users that were made. */
export async function chargeNewUsers(
  { rateLimits, principal: { tenantId } }: AuthedContext,
  count: number,
): Promise<void> {
  if (tenantId !== null) await rateLimits.charge("new_users", tenantId, count);
}
