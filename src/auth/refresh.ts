/** Refresh token rotation with reuse detection (RFC 9700, section 4.14.2), for any tenant of the session's account. */

import type { QueryResultRow } from "pg";
import { recordAudit } from "../audit/record.ts";
import type { Context } from "../context.ts";
import { hashToken, successorToken } from "../crypto/secret.ts";
import { afterCommit, commit } from "../db/commit.ts";
import { newId } from "../db/id.ts";
import { knownDevice } from "../device.ts";
import { ApiError, NotFoundError } from "../errors.ts";
import { tellUser } from "../mail/send.ts";
import { revokeSessions } from "../sessions/revoke.ts";
import { tokenAnswer } from "./answer.ts";
import {
  CONTINUE,
  type Continued,
  FIND_USED,
  type Refreshed,
  ROTATE,
  type Speaking,
} from "./refresh-sql.ts";
import type { TokenAnswer } from "./schemas.ts";

type Rotated = Refreshed | Speaking;
type Used = Rotated & { inGrace: boolean; successorHash: Buffer; successorUsed: boolean };

/**
 * Exchanges a refresh token for the next one, and an access token for the tenant that is named, or that the session used
 * last. A used token within the grace window (a retry, another tab) is answered with the same successor, whatever tenant
 * it names; later the session ends.
 * @throws ApiError `invalid_refresh_token`, whatever is wrong with it. These two use nothing up, and the session goes on:
 * NotFoundError for a tenant that is none of the account's, `reauthentication_required` (RFC 9470) where the tenant asks
 * for more than the log-in has shown.
 */
export async function refresh(
  ctx: Context,
  refreshToken: string,
  tenantId?: string,
): Promise<TokenAnswer> {
  const tokenHash = hashToken(refreshToken);
  // While SECRET_KEY is being replaced, the successor of a retried token may be one that the older key made.
  const successors = ctx.keyring.refreshToken.map((key) => successorToken(key, refreshToken));
  const [successor = ""] = successors;
  const spent = { tokenHash, successor, tenantId };
  const goesOn = await spend<Continued>(ctx, CONTINUE, spent);
  if (goesOn?.isAnswered) return tokenAnswer(ctx, goesOn, { ...goesOn, refreshToken: successor });
  let rotated = await spend<Rotated>(ctx, ROTATE, spent);
  if (rotated && isOvertaken(rotated)) rotated = await spend<Rotated>(ctx, ROTATE, spent);
  if (rotated) {
    const session = speakingFor(rotated, tenantId, ctx);
    return tokenAnswer(ctx, session, { ...session, refreshToken: successor });
  }
  const used = await findInGrace(ctx, tokenHash, successors, tenantId);
  const given = successors.find((token) => used?.successorHash.equals(hashToken(token)));
  if (!used || given === undefined) throw new ApiError("invalid_refresh_token");
  const session = speakingFor(used, tenantId, ctx);
  return tokenAnswer(ctx, session, { ...session, refreshToken: given });
}

/** Somebody was disabled, or the like, between the statement's look and its lock: a second look sees it. */
function isOvertaken({ isLive, id, lacks, isAnswered }: Rotated): boolean {
  return isLive && id !== null && lacks === null && !isAnswered;
}

/** @throws ApiError as `refresh`. */
function speakingFor(found: Rotated, tenantId: string | undefined, { config }: Context): Speaking {
  if (!found.isLive) throw new ApiError("invalid_refresh_token");
  if (found.id === null)
    throw tenantId === undefined
      ? new ApiError("invalid_refresh_token")
      : new NotFoundError("tenant");
  if (found.lacks === "second_factor")
    throw new ApiError(
      "reauthentication_required",
      "This tenant asks for a second factor: set one up, and log in again with it.",
      { maxAgeSeconds: config.stepUpSeconds },
    );
  if (found.lacks === "recent_login")
    throw new ApiError(
      "reauthentication_required",
      "This tenant asks for a log-in that is not as old: log in again.",
      { maxAgeSeconds: found.maxSeconds },
    );
  if (!found.isAnswered) throw new ApiError("invalid_refresh_token");
  return found as Speaking;
}

type Spent = { tokenHash: Buffer; successor: string; tenantId: string | undefined };

/** Both statements take the same. */
async function spend<Row extends QueryResultRow>(
  ctx: Context,
  statement: typeof CONTINUE,
  { tokenHash, successor, tenantId }: Spent,
): Promise<Row | undefined> {
  const { ip, userAgent, requestId } = ctx.origin;
  const { sessionIdleSeconds, sessionMaxSeconds } = ctx.config;
  const { rows } = await ctx.pool.query<Row>({
    ...statement,
    values: [
      tokenHash,
      newId(),
      hashToken(successor),
      sessionIdleSeconds,
      ip,
      userAgent,
      newId(),
      requestId,
      tenantId ?? null,
      sessionMaxSeconds,
    ],
  });
  return rows[0];
}

async function findInGrace(
  ctx: Context,
  tokenHash: Buffer,
  successors: string[],
  tenantId: string | undefined,
): Promise<Used | undefined> {
  const { ip, userAgent, requestId } = ctx.origin;
  const { sessionIdleSeconds, sessionMaxSeconds } = ctx.config;
  const { rows } = await ctx.pool.query<Used>({
    ...FIND_USED,
    values: [
      tokenHash,
      ctx.config.refreshGraceSeconds,
      newId(),
      ip,
      userAgent,
      requestId,
      successors.map(hashToken),
      tenantId ?? null,
      sessionIdleSeconds,
      sessionMaxSeconds,
    ],
  });
  const found = rows[0];
  if (!found || found.inGrace) return found;
  await endReused(ctx, found);
  return undefined;
}

/**
 * Ends the session of a used token that came late. Where somebody had used its successor too, two have a key of the session,
 * and its owner hears of a theft. Where nobody had, it is more likely that the answer with the successor never arrived.
 */
async function endReused(
  ctx: Context,
  { sessionId, accountId, successorUsed }: Used,
): Promise<void> {
  await commit(ctx, async (tx) => {
    const reused = { id: sessionId, accountId };
    if ((await revokeSessions(tx, ctx, reused, "refresh_token_reuse")) === 0) return;
    const last = await tx.sessionUser.findFirst({
      where: { sessionId },
      orderBy: { lastUsedAt: "desc" },
      select: { userId: true, tenantId: true },
    });
    if (!last) return;
    const { userId: id, tenantId } = last;
    const { metrics } = ctx;
    if (metrics) afterCommit(tx, () => metrics.refreshReuse.add(successorUsed ? "used" : "unused"));
    await recordAudit(tx, ctx, {
      action: "auth.refresh_token_reused",
      resourceType: "session",
      resourceId: sessionId,
      tenantId,
      outcome: "failure",
      details: { userId: id, successorUsed },
    });
    const ended = {
      template: "session_ended",
      device: knownDevice(ctx.origin),
      at: new Date().toISOString(),
      link: ctx.config.appUrl,
    } as const;
    const template = successorUsed ? "session_stolen" : ended.template;
    await tellUser(tx, ctx, { id, tenantId }, { ...ended, template });
  });
}
