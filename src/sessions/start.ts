import type { Context } from "../context.ts";
import { hashToken, randomToken } from "../crypto/secret.ts";
import type { Transaction } from "../db/client.ts";
import { newId } from "../db/id.ts";
import { readSettings, sessionSeconds } from "../tenant-settings/settings.ts";
import { devicesAfterLogin } from "./device.ts";
import type { AuthenticationMethod, SessionFacts } from "./facts.ts";
import { revokeSessions } from "./revoke.ts";
import {
  insertSession,
  type NewSession,
  type Outlook,
  readOutlook,
  type SessionUser,
} from "./start-sql.ts";

export type StartedSession = SessionFacts & {
  refreshToken: string;
  refreshSeconds: number;
  /** As `devicesAfterLogin`. */
  devices?: readonly string[];
  /** The user was not seen with this device before. */
  isNewDevice: boolean;
};

/**
 * A session that is about to begin, with its first refresh token. The only way to one: every way of logging in comes here.
 * Nothing is written yet.
 */
export function newSession(
  ctx: Pick<Context, "config" | "origin">,
  amr: AuthenticationMethod[],
  outlook: Outlook,
): { row: NewSession; started: StartedSession } {
  const at = new Date();
  const id = newId();
  const refreshToken = randomToken();
  const devices = devicesAfterLogin(outlook.knownDevice, ctx.origin);
  const settings = readSettings(outlook.settings);
  const seconds = sessionSeconds(ctx.config, settings);
  const after = (lasts: number) => new Date(at.getTime() + lasts * 1000);
  return {
    row: {
      id,
      amr,
      impersonatorId: null,
      at,
      idleExpiresAt: after(seconds.idle),
      expiresAt: after(seconds.max),
      tokenHash: hashToken(refreshToken),
      deviceId: devices?.[0] ?? null,
    },
    started: {
      sessionId: id,
      amr,
      authenticatedAt: at,
      mfaRequired: settings.mfaRequired ?? false,
      refreshToken,
      refreshSeconds: seconds.idle,
      isNewDevice: outlook.isNewDevice,
      ...(devices && { devices }),
    },
  };
}

/**
 * Begins the session of somebody who has just been made.
 * The caller holds a lock on the user's row and has seen that user and tenant are active.
 */
export async function startSession(
  tx: Transaction,
  ctx: Context,
  user: SessionUser,
  amr: AuthenticationMethod[],
): Promise<StartedSession> {
  const outlook = await readOutlook(tx, ctx, user);
  const { row, started } = newSession(ctx, amr, outlook);
  await insertSession(tx, ctx, user, row);
  await endBeyondLimit(tx, ctx, user, outlook);
  return started;
}

/**
 * Begins a session in which a super admin acts as the user. It has no refresh token, so that nothing prolongs it. The
 * caller holds a lock on the user's row and has seen that user and tenant are active.
 * @param amr how the super admin proved who they are.
 */
export async function startImpersonation(
  tx: Transaction,
  { origin }: Pick<Context, "origin">,
  user: SessionUser,
  { impersonatorId, amr, seconds }: { impersonatorId: string; amr: string[]; seconds: number },
): Promise<SessionFacts & { expiresAt: Date }> {
  const now = Date.now();
  const expiresAt = new Date(now + seconds * 1000);
  const sessionId = newId();
  const at = new Date(now);
  const ends = { idleExpiresAt: expiresAt, expiresAt, tokenHash: null, deviceId: null };
  await insertSession(tx, { origin }, user, { id: sessionId, amr, impersonatorId, at, ...ends });
  // A second factor that the tenant asks for is its users' to set up, not the super admin's.
  return { sessionId, amr, authenticatedAt: new Date(now), mfaRequired: false, expiresAt };
}

/** Those of the account that were used longest ago make way (ASVS 5.0, 7.1.2). */
export async function endBeyondLimit(
  tx: Transaction,
  ctx: Pick<Context, "revocations">,
  { accountId }: SessionUser,
  { beyondLimit }: Outlook,
): Promise<void> {
  if (beyondLimit.length > 0)
    await revokeSessions(tx, ctx, { accountId, id: { in: beyondLimit } }, "session_limit");
}
