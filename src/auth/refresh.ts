/** Refresh token rotation with reuse detection (RFC 9700, section 4.14.2). */

import { recordAudit } from "../audit/record.ts";
import type { Context } from "../context.ts";
import { hashToken, successorToken } from "../crypto/secret.ts";
import { commit } from "../db/commit.ts";
import { newId } from "../db/id.ts";
import { LIVE_TENANT_SQL, LIVE_USER_SQL } from "../db/live.ts";
import { named } from "../db/statement-names.ts";
import { knownDevice } from "../device.ts";
import { ApiError } from "../errors.ts";
import { tellUser } from "../mail/send.ts";
import type { SessionFacts } from "../sessions/facts.ts";
import { revokeSessions } from "../sessions/revoke.ts";
import { SHORTEST_SESSION_SECONDS } from "../tenant-settings/settings.ts";
import type { UserRow } from "../users/public-user.ts";
import { tokenAnswer } from "./answer.ts";
import type { TokenAnswer } from "./schemas.ts";

/** The user's columns as `userSelect` names them; a test holds the two equal. */
const USER_COLUMNS = `
  users.id, users.tenant_id AS "tenantId", users.email, users.pending_email AS "pendingEmail",
  users.first_name AS "firstName", users.last_name AS "lastName", users.status, users.email_verified_at AS "emailVerifiedAt", users.last_login_at AS "lastLoginAt",
  users.created_at AS "createdAt", users.updated_at AS "updatedAt", users.version`;

/** What its tokens say of the session. A platform account has no tenant to ask anything of it. */
const SESSION_COLUMNS = `
  round(extract(epoch FROM sessions.idle_expires_at - now()))::int AS "refreshSeconds",
  sessions.id AS "sessionId", sessions.amr, sessions.created_at AS "authenticatedAt",
  EXISTS (SELECT FROM tenants WHERE tenants.id = users.tenant_id AND tenants.settings @> '{"mfaRequired": true}') AS "mfaRequired"`;

/** How long the session may be idle: $4 at most, less where the tenant says so. As tenant-settings/settings.ts reads it. */
const IDLE_SECONDS = `
  least($4::float8, (SELECT jsonb_path_query_first(tenants.settings,
    '$.sessionIdleSeconds ? (@.type() == "number" && @ >= ${SHORTEST_SESSION_SECONDS})')::float8
    FROM tenants WHERE tenants.id = users.tenant_id))`;

/** A session goes on while it, its user and its tenant do. */
const SESSION_IS_LIVE = `
  sessions.revoked_at IS NULL AND sessions.idle_expires_at > now() AND sessions.expires_at > now()
  AND users.id = sessions.user_id AND ${LIVE_USER_SQL}
  AND (users.tenant_id IS NULL OR EXISTS (
    SELECT FROM tenants WHERE tenants.id = users.tenant_id AND ${LIVE_TENANT_SQL}))`;

/**
 * Spends the token, prolongs the session, stores the successor and audits it: one statement, so one round trip and one
 * commit. A token of a session that ended is spent too, and gets no successor. Of fifty callers at once the row lock
 * lets one through; the others find the token used.
 */
const ROTATE = named(`
    WITH spent AS (
      UPDATE refresh_tokens SET used_at = now()
      WHERE token_hash = $1 AND used_at IS NULL AND expires_at > now()
      RETURNING session_id
    ), live AS (
      UPDATE sessions SET
        last_used_at = now(), idle_expires_at = least(now() + make_interval(secs => ${IDLE_SECONDS}), sessions.expires_at),
        ip = $5, user_agent = $6
      FROM spent, users
      WHERE sessions.id = spent.session_id AND ${SESSION_IS_LIVE}
      RETURNING sessions.idle_expires_at, ${SESSION_COLUMNS}, ${USER_COLUMNS}
    ), successor AS (
      INSERT INTO refresh_tokens (id, session_id, tenant_id, token_hash, expires_at)
      SELECT $2, "sessionId", "tenantId", $3, idle_expires_at FROM live
    ), audited AS (
      INSERT INTO audit_log (id, tenant_id, actor_id, session_id, action, resource_type, resource_id, ip, user_agent, request_id)
      SELECT $7, "tenantId", id, "sessionId", 'auth.refreshed', 'session', "sessionId", $5, $6, $8 FROM live
    )
    SELECT * FROM live`);

/**
 * The session of a token that was used already, and whether that was within the grace window. An answer there hands out
 * tokens too, so it is audited: whoever looks into a theft sees from where the token came a second time.
 */
const FIND_USED = named(`
    WITH used AS (
      SELECT refresh_tokens.used_at > now() - make_interval(secs => $2) AS "inGrace",
        successors.token_hash AS "successorHash", ${SESSION_COLUMNS}, ${USER_COLUMNS}
      FROM refresh_tokens JOIN sessions ON sessions.id = refresh_tokens.session_id
        JOIN refresh_tokens AS successors ON successors.session_id = sessions.id AND successors.token_hash = ANY($7), users
      WHERE refresh_tokens.token_hash = $1 AND refresh_tokens.used_at IS NOT NULL AND ${SESSION_IS_LIVE}
    ), audited AS (
      INSERT INTO audit_log (id, tenant_id, actor_id, session_id, action, resource_type, resource_id, ip, user_agent, request_id)
      SELECT $3, "tenantId", id, "sessionId", 'auth.refresh_retried', 'session', "sessionId", $4, $5, $6 FROM used
      WHERE "inGrace"
    )
    SELECT * FROM used`);

type LiveSession = UserRow & SessionFacts & { refreshSeconds: number };
type UsedToken = LiveSession & { inGrace: boolean; successorHash: Buffer };

/**
 * Exchanges a refresh token for the next one. A used token within the grace window (a retry, another tab) is answered
 * with the same successor; later it is a stolen one, and the session ends.
 * @throws ApiError `invalid_refresh_token`, whatever is wrong.
 */
export async function refresh(ctx: Context, refreshToken: string): Promise<TokenAnswer> {
  const tokenHash = hashToken(refreshToken);
  // While SECRET_KEY is being replaced, the successor of a retried token may be one that the older key made.
  const successors = ctx.keyring.refreshToken.map((key) => successorToken(key, refreshToken));
  const [successor = ""] = successors;
  const session = await rotate(ctx, tokenHash, successor);
  if (session) return tokenAnswer(ctx, session, { ...session, refreshToken: successor });

  const used = await findInGrace(ctx, tokenHash, successors);
  const given = successors.find((token) => used?.successorHash.equals(hashToken(token)));
  if (!used || given === undefined) throw new ApiError("invalid_refresh_token");
  return tokenAnswer(ctx, used, { ...used, refreshToken: given });
}

async function rotate(
  ctx: Context,
  tokenHash: Buffer,
  successor: string,
): Promise<LiveSession | undefined> {
  const { ip, userAgent, requestId } = ctx.origin;
  const { rows } = await ctx.pool.query<LiveSession>({
    ...ROTATE,
    values: [
      tokenHash,
      newId(),
      hashToken(successor),
      ctx.config.sessionIdleSeconds,
      ip,
      userAgent,
      newId(),
      requestId,
    ],
  });
  return rows[0];
}

async function findInGrace(
  ctx: Context,
  tokenHash: Buffer,
  successors: string[],
): Promise<UsedToken | undefined> {
  const { ip, userAgent, requestId } = ctx.origin;
  const { rows } = await ctx.pool.query<UsedToken>({
    ...FIND_USED,
    values: [
      tokenHash,
      ctx.config.refreshGraceSeconds,
      newId(),
      ip,
      userAgent,
      requestId,
      successors.map(hashToken),
    ],
  });
  const found = rows[0];
  if (!found || found.inGrace) return found;
  await endStolenSession(ctx, found);
  return undefined;
}

async function endStolenSession(
  ctx: Context,
  { sessionId, id, tenantId }: LiveSession,
): Promise<void> {
  await commit(ctx, async (tx) => {
    const stolen = { id: sessionId, userId: id, tenantId };
    if ((await revokeSessions(tx, ctx, stolen, "refresh_token_reuse")) > 0) {
      await recordAudit(tx, ctx, {
        action: "auth.refresh_token_reused",
        resourceType: "session",
        resourceId: sessionId,
        tenantId,
        outcome: "failure",
        details: { userId: id },
      });
      await tellUser(
        tx,
        ctx,
        { id, tenantId },
        {
          template: "session_stolen",
          device: knownDevice(ctx.origin),
          at: new Date().toISOString(),
          link: ctx.config.appUrl,
        },
      );
    }
  });
}
