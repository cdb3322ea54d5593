import { recordAudit } from "../audit/record.ts";
import type { Context } from "../context.ts";
import { ApiError } from "../errors.ts";
import { startSession } from "../sessions/start.ts";
import { lockActiveTenant } from "../tenants/lock.ts";
import { userSelect } from "../users/public-user.ts";
import { tokenAnswer } from "./answer.ts";
import type { LoginInput, TokenAnswer } from "./schemas.ts";

/** From here on a wrong password locks the account for a while: 30 s, then twice as long each time, 15 min at most. */
const FREE_ATTEMPTS = 10;
const FIRST_LOCK_SECONDS = 30;
const LONGEST_LOCK_SECONDS = 15 * 60;

/**
 * Logs a user in with a password. Unknown address, wrong password, locked, disabled, suspended: one and the same error
 * after the same work, so that nobody learns who has an account (ASVS 5.0, 6.3.8).
 * @throws ApiError `invalid_credentials`, `overloaded`.
 */
export async function login(ctx: Context, input: LoginInput): Promise<TokenAnswer> {
  const account = await findAccount(ctx, input);
  const matches = await ctx.passwords.verify(account?.passwordHash ?? null, input.password);
  const now = new Date();
  const locked = account?.lockedUntil != null && account.lockedUntil > now;
  if (!account || !matches || locked) {
    await recordFailure(ctx, account, locked ? "locked" : account ? "wrong_password" : "unknown_account");
    throw wrongCredentials();
  }

  const started = await ctx.db.$transaction(async (tx) => {
    // The conditions stand again in the write, which locks the rows: an account that was disabled, or whose password was
    // changed, while the hash was computed gets no session.
    const [user] = await tx.user.updateManyAndReturn({
      where: { id: account.id, status: "active", isDeleted: false, passwordHash: account.passwordHash },
      data: { lastLoginAt: now, loginAttempts: 0, lockedUntil: null },
      select: userSelect,
    });
    if (!user || !(await lockActiveTenant(tx, user.tenantId))) return null;
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
  if (!started) {
    await recordFailure(ctx, account, "not_active");
    throw wrongCredentials();
  }
  return tokenAnswer(ctx, started.user, started.session);
}

async function findAccount(ctx: Context, { email, tenant }: LoginInput) {
  const scope = ctx.config.emailScope === "global" ? { emailScope: null } : tenant === undefined ? { tenantId: null } : {};
  return ctx.db.user.findFirst({
    where: { email, isDeleted: false, ...scope, ...(tenant !== undefined && { tenant: { slug: tenant } }) },
    select: { id: true, tenantId: true, passwordHash: true, lockedUntil: true },
  });
}

type Account = NonNullable<Awaited<ReturnType<typeof findAccount>>>;

/** The same two writes whether the account exists or not: the time must not tell. */
async function recordFailure(ctx: Context, account: Account | null, reason: string): Promise<void> {
  await ctx.db.$transaction(async (tx) => {
    // Attempts against a locked account are not counted: nobody can keep somebody else locked out by going on.
    await tx.$executeRaw`
      UPDATE users SET
        login_attempts = least(login_attempts + 1, 1000),
        locked_until = CASE WHEN login_attempts + 1 >= ${FREE_ATTEMPTS} THEN now() + make_interval(secs =>
          least(${FIRST_LOCK_SECONDS} * 2 ^ least(login_attempts + 1 - ${FREE_ATTEMPTS}, 10), ${LONGEST_LOCK_SECONDS})) END
      WHERE id = ${account?.id ?? null}::uuid AND (locked_until IS NULL OR locked_until <= now())`;
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

function wrongCredentials(): ApiError {
  return new ApiError("invalid_credentials", "The e-mail address or the password is wrong, or the account is not active.");
}
