/** The end of every way of logging in: what was proved is weighed here, and only here a session begins. */
import { recordAudit } from "../../audit/record.ts";
import type { Context } from "../../context.ts";
import type { Transaction } from "../../db/client.ts";
import { knownDevice } from "../../device.ts";
import { type SecondFactor, secondFactorsOf } from "../../factors/second-factors.ts";
import { tellUser } from "../../mail/send.ts";
import { issueOneTimeToken } from "../../one-time-tokens/issue.ts";
import { type AuthenticationMethod, POSSESSION, withMfa } from "../../sessions/facts.ts";
import { revokeSessions } from "../../sessions/revoke.ts";
import { type StartedSession, startSession } from "../../sessions/start.ts";
import { type UserRow, userSelect } from "../../users/public-user.ts";
import { tokenAnswer } from "../answer.ts";
import { NO_FAILURES } from "../guessing.ts";
import type { LoginAnswer } from "../schemas.ts";

/** How long the second step of a log-in may take. */
export const MFA_SECONDS = 5 * 60;

type LoginUser = { id: string; tenantId: string | null };

export type Proof = {
  methods: readonly AuthenticationMethod[];
  /** The session that this proof renews: it ends when the new one begins (ASVS 5.0, 7.2.4). */
  replaces?: string | undefined;
};

type Outcome =
  | { user: UserRow; session: StartedSession }
  | { mfaToken: string; methods: SecondFactor[] };

/**
 * Begins the session, or asks for the second factor when the user has one and it was not shown. The caller holds a lock
 * on the user's row and has seen that user and tenant are active.
 */
export async function completeLogin(
  tx: Transaction,
  ctx: Context,
  user: LoginUser,
  { methods, replaces }: Proof,
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
    });
    return { mfaToken: token, methods: factors };
  }
  // Before the new one begins: beside it, it would push out another one at SESSION_LIMIT.
  if (replaces) {
    const old = { id: replaces, userId: user.id, tenantId: user.tenantId };
    await revokeSessions(tx, ctx, old, "reauthenticated");
  }
  const session = await startSession(tx, ctx, user, amr);
  const row = await tx.user.update({
    where: { id: user.id, tenantId: user.tenantId },
    // Only now: a right password that leaves the second factor open must not buy further guesses at that.
    data: { lastLoginAt: new Date(), ...NO_FAILURES },
    select: userSelect,
  });
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
  return tokenAnswer(ctx, outcome.user, outcome.session);
}

/** A mail and something that one has are two steps though they are not two kinds: the second one is not asked for again. */
function isSecondStep(amr: readonly AuthenticationMethod[]): boolean {
  return amr.includes("email") && amr.some((method) => POSSESSION.includes(method));
}
