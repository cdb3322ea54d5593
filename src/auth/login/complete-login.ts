/** The end of every way of logging in: what was proved is weighed here, and only here a session begins. */
import { Prisma } from "../../../generated/prisma/client.ts";
import { recording } from "../../audit/record.ts";
import type { Context } from "../../context.ts";
import type { Transaction } from "../../db/client.ts";
import { afterCommit } from "../../db/commit.ts";
import { LIVE_USER_SQL } from "../../db/live.ts";
import { knownDevice } from "../../device.ts";
import { ApiError } from "../../errors.ts";
import { factorsIn, type SecondFactor } from "../../factors/second-factors.ts";
import { tellUser } from "../../mail/send.ts";
import { issueOneTimeToken } from "../../one-time-tokens/issue.ts";
import { type AuthenticationMethod, POSSESSION, withMfa } from "../../sessions/facts.ts";
import { revokeSessions } from "../../sessions/revoke.ts";
import { endBeyondLimit, newSession, type StartedSession } from "../../sessions/start.ts";
import { insertingSession, type NewSession } from "../../sessions/start-sql.ts";
import { USER_COLUMNS, type UserRow } from "../../users/public-user.ts";
import type { LoginOutcome } from "../../watch/metrics.ts";
import { tokenAnswer } from "../answer.ts";
import type { LoginAnswer, TenantChoice } from "../schemas.ts";
import { type LoginOutlook, readLoginOutlook } from "./login-outlook.ts";
import { offerTenants } from "./offer-tenants.ts";

/** How long the second step of a log-in may take. */
export const MFA_SECONDS = 5 * 60;

/** The user as whom somebody logs in; where that is still to be chosen, one of the account's. */
type LoginUser = { id: string; tenantId: string | null; accountId: string };

export type Proof = {
  methods: readonly AuthenticationMethod[];
  /** The session that this proof renews: it ends when the new one begins (ASVS 5.0, 7.2.4). */
  replaces?: string | undefined;
  /** It is still to be asked which tenant is meant: as `severalTenants` of an account. */
  severalTenants?: boolean;
};

type Outcome =
  | { user: UserRow; session: StartedSession }
  | { mfaToken: string; methods: SecondFactor[] }
  | TenantChoice;

/**
 * Begins the session, or asks for the second factor when the account has one and it was not shown, and then for the tenant
 * when there are several. The caller holds a lock on the account and has seen that account, user and tenant are active.
 * @param known what the caller has read under that lock already.
 * @throws ApiError `invalid_credentials` for a user who was disabled this moment.
 */
export async function completeLogin(
  tx: Transaction,
  ctx: Context,
  user: LoginUser,
  { methods, replaces, severalTenants = false }: Proof,
  known?: LoginOutlook,
): Promise<Outcome> {
  const amr = withMfa(methods);
  const outlook = known ?? (await readLoginOutlook(tx, ctx, user, replaces));
  const factors = amr.includes("mfa") || isSecondStep(amr) ? [] : factorsIn(outlook);
  if (factors.length > 0) {
    const { token } = await issueOneTimeToken(tx, ctx, {
      purpose: "mfa",
      user,
      ttlSeconds: MFA_SECONDS,
      amr,
      ...(replaces !== undefined && { boundTo: replaces }),
      ...(severalTenants && { payload: { severalTenants } }),
    });
    return { mfaToken: token, methods: factors };
  }
  if (severalTenants) return offerTenants(tx, ctx, user, amr);
  // Before the new one begins: beside it, it would push out another one at SESSION_LIMIT.
  if (replaces) {
    const old = { id: replaces, accountId: user.accountId };
    await revokeSessions(tx, ctx, old, "reauthenticated");
  }
  const { row, started } = newSession(ctx, amr, outlook);
  const entry = {
    action: replaces ? "auth.reauthenticated" : "auth.logged_in",
    resourceType: "session",
    resourceId: row.id,
    tenantId: user.tenantId,
    details: { methods: amr },
  } as const;
  const loggedIn = await writeLogin(tx, ctx, user, row, recording(ctx, entry, user.id));
  if (!loggedIn) throw new ApiError("invalid_credentials");
  afterCommit(tx, () => ctx.me.forget({ userId: user.id }));
  await endBeyondLimit(tx, ctx, user, outlook);
  if (started.isNewDevice) await warnOfDevice(tx, ctx, user, started);
  return { user: loggedIn, session: started };
}

/**
 * One statement for the session, that the user was here, and what is `beside` it. It sets the failures back, only here: a right
 * password that leaves the second factor open must not buy further guesses at that. Null when the user is no longer
 * active; the caller takes everything back then.
 */
async function writeLogin(
  tx: Transaction,
  ctx: Pick<Context, "origin">,
  user: LoginUser,
  session: NewSession,
  beside: Prisma.Sql,
): Promise<UserRow | null> {
  const [row] = await tx.$queryRaw<UserRow[]>`WITH ${writingLogin(ctx, user, session, beside)}`;
  return row ?? null;
}

/** The statement of that, behind its WITH. @param where SQL: as of `insertingSession`, and of `beside`. */
export function writingLogin(
  ctx: Pick<Context, "origin">,
  user: LoginUser,
  session: NewSession,
  beside: Prisma.Sql,
  where: Prisma.Sql = Prisma.sql`WHERE true`,
): Prisma.Sql {
  const { id, tenantId, accountId } = user;
  return Prisma.sql`${insertingSession(ctx, user, session, where)}, forgiven AS (
      UPDATE accounts SET login_attempts = 0, locked_until = NULL
      ${where} AND id = ${accountId}::uuid AND (login_attempts <> 0 OR locked_until IS NOT NULL)
    ), beside AS (${beside})
    UPDATE users SET last_login_at = now()
    ${where} AND id = ${id}::uuid AND tenant_id IS NOT DISTINCT FROM ${tenantId}::uuid AND ${Prisma.raw(LIVE_USER_SQL)}
    RETURNING ${Prisma.raw(USER_COLUMNS)}`;
}

/** ASVS 5.0, 6.3.5: who logs in from somewhere new may not be who the account belongs to. */
async function warnOfDevice(
  tx: Transaction,
  ctx: Context,
  user: LoginUser,
  { authenticatedAt }: StartedSession,
): Promise<void> {
  await tellUser(tx, ctx, user, {
    template: "new_device",
    device: knownDevice(ctx.origin),
    ip: ctx.origin.ip,
    at: authenticatedAt.toISOString(),
    link: ctx.config.appUrl,
  });
}

/** To be called after the commit. */
export async function loginAnswer(ctx: Context, outcome: Outcome): Promise<LoginAnswer> {
  ctx.metrics?.logins.add(nameOf(outcome), "");
  if ("mfaToken" in outcome)
    return {
      mfaRequired: true,
      mfaToken: outcome.mfaToken,
      expiresIn: MFA_SECONDS,
      methods: outcome.methods,
    };
  if ("selectionToken" in outcome) return outcome;
  return tokenAnswer(ctx, outcome.user, outcome.session);
}

function nameOf(outcome: Outcome): LoginOutcome {
  if ("mfaToken" in outcome) return "second_factor_asked";
  return "selectionToken" in outcome ? "tenant_asked" : "logged_in";
}

/** A mail and something that one has are two steps though they are not two kinds: the second one is not asked for again. */
function isSecondStep(amr: readonly AuthenticationMethod[]): boolean {
  return amr.includes("email") && amr.some((method) => POSSESSION.includes(method));
}
