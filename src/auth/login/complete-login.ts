/** The end of every way of logging in: what was proved is weighed here, and only here a session begins. */
import { Prisma } from "../../../generated/prisma/client.ts";
import { recordAudit } from "../../audit/record.ts";
import type { Context } from "../../context.ts";
import type { Transaction } from "../../db/client.ts";
import { LIVE_USER_SQL } from "../../db/live.ts";
import { knownDevice } from "../../device.ts";
import { ApiError } from "../../errors.ts";
import { type SecondFactor, secondFactorsOf } from "../../factors/second-factors.ts";
import { tellUser } from "../../mail/send.ts";
import { issueOneTimeToken } from "../../one-time-tokens/issue.ts";
import { type AuthenticationMethod, POSSESSION, withMfa } from "../../sessions/facts.ts";
import { revokeSessions } from "../../sessions/revoke.ts";
import { type StartedSession, startSession } from "../../sessions/start.ts";
import { USER_COLUMNS, type UserRow } from "../../users/public-user.ts";
import { tokenAnswer } from "../answer.ts";
import type { LoginAnswer, TenantChoice } from "../schemas.ts";
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
 * @throws ApiError `invalid_credentials` for a user who was disabled this moment.
 */
export async function completeLogin(
  tx: Transaction,
  ctx: Context,
  user: LoginUser,
  { methods, replaces, severalTenants = false }: Proof,
): Promise<Outcome> {
  const amr = withMfa(methods);
  const factors = amr.includes("mfa") || isSecondStep(amr) ? [] : await secondFactorsOf(tx, user);
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
  const session = await startSession(tx, ctx, user, amr);
  const row = await noteLogin(tx, user);
  if (session.isNewDevice) await warnOfDevice(tx, ctx, user, session);
  await recordAudit(
    tx,
    ctx,
    {
      action: replaces ? "auth.reauthenticated" : "auth.logged_in",
      resourceType: "session",
      resourceId: session.sessionId,
      tenantId: user.tenantId,
      details: { methods: amr },
    },
    user.id,
  );
  return { user: row, session };
}

/**
 * Sets the failures back, only now: a right password that leaves the second factor open must not buy further guesses at
 * that. One statement for both rows. @throws ApiError `invalid_credentials`.
 */
async function noteLogin(
  tx: Transaction,
  { id, tenantId, accountId }: LoginUser,
): Promise<UserRow> {
  const [row] = await tx.$queryRaw<UserRow[]>`
    WITH forgiven AS (
      UPDATE accounts SET login_attempts = 0, locked_until = NULL
      WHERE id = ${accountId}::uuid AND (login_attempts <> 0 OR locked_until IS NOT NULL))
    UPDATE users SET last_login_at = now()
    WHERE id = ${id}::uuid AND tenant_id IS NOT DISTINCT FROM ${tenantId}::uuid AND ${Prisma.raw(LIVE_USER_SQL)}
    RETURNING ${Prisma.raw(USER_COLUMNS)}`;
  if (!row) throw new ApiError("invalid_credentials");
  return row;
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

/** A mail and something that one has are two steps though they are not two kinds: the second one is not asked for again. */
function isSecondStep(amr: readonly AuthenticationMethod[]): boolean {
  return amr.includes("email") && amr.some((method) => POSSESSION.includes(method));
}
