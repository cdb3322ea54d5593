import { recordAudit } from "../audit/record.ts";
import type { Context } from "../context.ts";
import { isWeak } from "../crypto/password.ts";
import { ApiError } from "../errors.ts";
import { startSession } from "../sessions/start.ts";
import { lockActiveTenant } from "../tenants/lock.ts";
import { userSelect } from "../users/public-user.ts";
import { tokenAnswer } from "./answer.ts";
import type { LoginInput, TokenAnswer } from "./schemas.ts";
import { countFailure, NO_FAILURES, notLocked } from "./throttle.ts";

type Account = {
  id: string;
  tenantId: string | null;
  passwordHash: string | null;
  locked: boolean;
  active: boolean;
};

/** Which users an address may mean, by EMAIL_SCOPE. */
const SCOPE = {
  /** One address, one account: the tenant need not be named, and when it is, it must be the right one. */
  global: "users.email_scope IS NULL AND ($2::varchar IS NULL OR tenants.slug = $2)",
  /** Whoever names no tenant means a platform account, which has none. */
  tenant: "tenants.slug IS NOT DISTINCT FROM $2",
};

/**
 * Logs a user in with a password. Unknown address, wrong password, locked, disabled, suspended: one and the same error
 * after the same work, so that nobody learns who has an account (ASVS 5.0, 6.3.8).
 * @throws ApiError `invalid_credentials`, `overloaded`.
 */
export async function login(ctx: Context, input: LoginInput): Promise<TokenAnswer> {
  const account = await findAccount(ctx, input);
  const matches = await ctx.passwords.verify(account?.passwordHash ?? null, input.password);
  const refusal = reasonToRefuse(account, matches);
  const started = account && refusal === null ? await start(ctx, account, input.password) : null;
  if (!started) {
    // Another login has renewed the weak hash first, perhaps. From the beginning: it is no longer weak then.
    if (refusal === null && hasWeakHash(account)) return login(ctx, input);
    await recordFailure(ctx, account, refusal ?? "changed_meanwhile");
    throw new ApiError(
      "invalid_credentials",
      "The e-mail address or the password is wrong, or the account is not active.",
    );
  }
  return tokenAnswer(ctx, started.user, started.session);
}

/** One query, whatever there is to find: a second one for what belongs to an account would tell that there is one. */
async function findAccount(
  ctx: Context,
  { email, tenant }: LoginInput,
): Promise<Account | undefined> {
  const { emailScope } = ctx.config;
  const { rows } = await ctx.pool.query<Account>({
    name: `find-account-${emailScope}`,
    text: `
      SELECT users.id, users.tenant_id AS "tenantId", users.password_hash AS "passwordHash",
        coalesce(users.locked_until > now(), false) AS locked,
        users.status = 'active' AND (users.tenant_id IS NULL OR tenants.status = 'active' AND NOT tenants.is_deleted) AS active
      FROM users LEFT JOIN tenants ON tenants.id = users.tenant_id
      WHERE users.email = $1 AND NOT users.is_deleted AND ${SCOPE[emailScope]}`,
    values: [email, tenant ?? null],
  });
  return rows[0];
}

function reasonToRefuse(account: Account | undefined, matches: boolean): string | null {
  if (!account) return "unknown_account";
  if (account.locked) return "locked";
  if (!matches) return "wrong_password";
  return account.active ? null : "not_active";
}

/** Begins the session; null when the account has changed since it was read. */
async function start(ctx: Context, account: Account, password: string) {
  const renewed = await renewedHash(ctx, account, password);
  return ctx.db.$transaction(async (tx) => {
    if (!(await lockActiveTenant(tx, account.tenantId))) return null;
    // The conditions stand again in the write, which locks the row: an account that was disabled or locked, or whose
    // password was changed, while the hash was computed gets no session.
    const [user] = await tx.user.updateManyAndReturn({
      where: {
        id: account.id,
        status: "active",
        isDeleted: false,
        passwordHash: account.passwordHash,
        ...notLocked(),
      },
      data: { lastLoginAt: new Date(), ...NO_FAILURES, ...renewed },
      select: userSelect,
    });
    if (!user) return null;
    const session = await startSession(tx, ctx, user, ["pwd"]);
    await recordAudit(
      tx,
      ctx,
      {
        action: "auth.logged_in",
        resourceType: "session",
        resourceId: session.sessionId,
        tenantId: user.tenantId,
        details: { methods: ["pwd"] },
      },
      user.id,
    );
    return { user, session };
  });
}

function hasWeakHash(account: Account | undefined): boolean {
  return typeof account?.passwordHash === "string" && isWeak(account.passwordHash);
}

/** A hash at our parameters, for an account whose hash is weaker: only at login is the password at hand. */
async function renewedHash(
  ctx: Context,
  account: Account,
  password: string,
): Promise<{ passwordHash?: string }> {
  if (!hasWeakHash(account)) return {};
  try {
    return { passwordHash: await ctx.passwords.hash(password) };
  } catch (err) {
    // The queue is full: the password was right, and there will be another login.
    if (err instanceof ApiError && err.code === "overloaded") return {};
    throw err;
  }
}

/** The same two writes whether the account exists or not: the time must not tell. */
async function recordFailure(
  ctx: Context,
  account: Account | undefined,
  reason: string,
): Promise<void> {
  await ctx.db.$transaction(async (tx) => {
    await countFailure(tx, account?.id ?? null);
    await recordAudit(tx, ctx, {
      action: "auth.login_failed",
      resourceType: "user",
      resourceId: account?.id ?? null,
      tenantId: account?.tenantId ?? null,
      outcome: "failure",
      details: { reason },
    });
  });
}
