/** The statements behind a refresh: two that spend a token, the usual way and in every case, and one that finds a spent one. */
import { LIVE_TENANT_SQL, LIVE_USER_SQL } from "../db/live.ts";
import { named } from "../db/statement-names.ts";
import type { SessionFacts } from "../sessions/facts.ts";
import { SHORTEST_SESSION_SECONDS } from "../tenant-settings/settings.ts";
import { USER_COLUMNS, type UserRow } from "../users/public-user.ts";

/** What both statements answer, when they answer a row: the session that a token belongs to, and for whom it speaks. */
export type Refreshed = {
  sessionId: string;
  accountId: string;
  /** Neither revoked nor over. */
  isLive: boolean;
  /** The user whose token is asked for: null where there is none, or no such. */
  id: string | null;
  /** What the tenant asks for and the log-in has not shown. */
  lacks: "second_factor" | "recent_login" | null;
  /** How old a log-in may be there, in seconds. */
  maxSeconds: number;
  /** Whether what is asked for was done. Where nothing stands against it, something was ended this moment. */
  isAnswered: boolean;
};
/** Whose token is answered. */
export type Answered = UserRow & SessionFacts & { refreshSeconds: number };
/** As `Refreshed`, for somebody whose token is answered. */
export type Speaking = Refreshed & Answered;
/** What the usual way answers, when it answers a row. */
export type Continued = Answered & Pick<Refreshed, "isAnswered">;

/** How long something of a session may last: `most`, less where the tenant says so, as tenant-settings/settings.ts reads it. */
function seconds(setting: string, most: string): string {
  return `least(${most}::float8, jsonb_path_query_first(tenants.settings,
    '$.${setting} ? (@.type() == "number" && @ >= ${SHORTEST_SESSION_SECONDS})')::float8)`;
}

const IS_LIVE =
  "sessions.revoked_at IS NULL AND sessions.idle_expires_at > now() AND sessions.expires_at > now()";

const ASKS_FOR_MFA = `coalesce(tenants.settings @> '{"mfaRequired": true}', false)`;

/** Whether the log-in of `session` is older than the tenant of `spoken` allows. Where it began, its expiry has that already. */
function isTooOld(session: string, max: string): string {
  return `NOT coalesce(spoken.created_at = ${session}.created_at, false)
    AND ${session}.created_at + make_interval(secs => ${max}) < now()`;
}

/**
 * As whom the session of `given` speaks: in the tenant that is named, else in the one that it used last, else, if it may
 * speak there no more, in the oldest that is left to it. Whoever did not speak last has to fulfil what their tenant asks
 * for (R81): the second factor, and no longer rest than it allows. How old the log-in may be is asked for each time.
 */
function speaker({ tenant, idle, max }: Record<"tenant" | "idle" | "max", string>): string {
  const idleSeconds = seconds("sessionIdleSeconds", idle);
  const maxSeconds = seconds("sessionMaxSeconds", max);
  const spokeLast = "coalesce(spoken.last_used_at = given.last_spoken_at, false)";
  return `
    SELECT ${USER_COLUMNS}, given.session_id, ${idleSeconds} AS idle_seconds, ${maxSeconds} AS "maxSeconds",
      ${ASKS_FOR_MFA} AS "mfaRequired", spoken.session_id IS NULL AS is_new, tenants.version AS tenant_version,
      CASE WHEN ${ASKS_FOR_MFA} AND NOT ${spokeLast} AND NOT 'mfa' = ANY (given.amr) THEN 'second_factor'
        WHEN ${isTooOld("given", maxSeconds)}
          OR NOT ${spokeLast} AND spoken.last_used_at + make_interval(secs => ${idleSeconds}) < now() THEN 'recent_login'
      END AS lacks
    FROM given JOIN users ON users.account_id = given.account_id AND ${LIVE_USER_SQL}
      LEFT JOIN tenants ON tenants.id = users.tenant_id
      LEFT JOIN session_users AS spoken ON spoken.session_id = given.session_id AND spoken.user_id = users.id
    WHERE given.is_live AND (users.tenant_id IS NULL OR ${LIVE_TENANT_SQL})
      AND spoken.revoked_at IS NULL AND (${tenant}::uuid IS NULL OR users.tenant_id = ${tenant}::uuid)
    ORDER BY spoken.last_used_at DESC NULLS LAST, users.created_at, users.id
    LIMIT 1`;
}

const LAST_SPOKEN = "(SELECT max(last_used_at) FROM session_users WHERE session_id = sessions.id)";

/**
 * Writes down as whom the session speaks, unless that was ended this moment. There is no row yet, for whoever ends it to
 * find, when a session speaks for the first time in a tenant: then user and tenant stand still meanwhile.
 */
function speaks(ip: string, given = "true"): string {
  return `held_tenant AS (
      SELECT tenants.id FROM tenants JOIN speaker ON tenants.id = speaker."tenantId" AND tenants.version = speaker.tenant_version
      WHERE speaker.is_new AND speaker.lacks IS NULL AND ${LIVE_TENANT_SQL}
      FOR SHARE OF tenants
    ), held AS (
      SELECT users.id FROM users JOIN speaker ON users.id = speaker.id
      WHERE speaker.is_new AND speaker.lacks IS NULL AND ${LIVE_USER_SQL}
        AND (users.tenant_id IS NULL OR EXISTS (SELECT FROM held_tenant))
      FOR SHARE OF users
    ), spoken AS (
      INSERT INTO session_users (session_id, user_id, tenant_id, ip)
      SELECT session_id, id, "tenantId", ${ip} FROM speaker
      WHERE lacks IS NULL AND ${given} AND (NOT is_new OR EXISTS (SELECT FROM held))
      ON CONFLICT (session_id, user_id) DO UPDATE SET last_used_at = now(), ip = excluded.ip WHERE session_users.revoked_at IS NULL
      RETURNING session_id, user_id, tenant_id
    )`;
}

/**
 * Of the session that was `spent`: it is prolonged, the successor stored and both audited. Each part hands on what the next
 * one needs: a look back at `speaker` is one more join to set up.
 */
const PROLONGED = `live AS (
      UPDATE sessions SET
        last_used_at = now(), idle_expires_at = least(now() + make_interval(secs => spent.idle_seconds), sessions.expires_at),
        ip = $5, user_agent = $6
      FROM spent
      WHERE sessions.id = spent.session_id AND ${IS_LIVE}
      RETURNING sessions.id, sessions.idle_expires_at, spent.user_id, spent.tenant_id
    ), successor AS (
      INSERT INTO refresh_tokens (id, session_id, token_hash, expires_at)
      SELECT $2, id, $3, idle_expires_at FROM live
    ), audited AS (
      INSERT INTO audit_log (id, tenant_id, actor_id, session_id, action, resource_type, resource_id, ip, user_agent, request_id)
      SELECT $7, tenant_id, user_id, id, 'auth.refreshed', 'session', id, $5, $6, $8 FROM live
    )`;
const ANSWERED = `live.id IS NOT NULL AS "isAnswered",
      round(extract(epoch FROM live.idle_expires_at - now()))::int AS "refreshSeconds"`;

/**
 * `ROTATE` for nearly all: the session goes on as whom it spoke last, and nothing stands against that. It looks after the same
 * things and writes the same, for three quarters of what that takes. No row, or one that is not answered, says nothing: then
 * `ROTATE` is asked. Rows are locked in the same order.
 */
export const CONTINUE = named(`
    WITH speaker AS (
      SELECT ${USER_COLUMNS}, refresh_tokens.id AS token_id, sessions.id AS "sessionId", sessions.amr,
        sessions.created_at AS "authenticatedAt", ${seconds("sessionIdleSeconds", "$4")} AS idle_seconds,
        ${ASKS_FOR_MFA} AS "mfaRequired"
      FROM refresh_tokens JOIN sessions ON sessions.id = refresh_tokens.session_id
        CROSS JOIN LATERAL (
          SELECT user_id, created_at, revoked_at FROM session_users WHERE session_id = sessions.id
          ORDER BY last_used_at DESC LIMIT 1) AS spoken
        JOIN users ON users.id = spoken.user_id AND users.account_id = sessions.account_id AND ${LIVE_USER_SQL}
        LEFT JOIN tenants ON tenants.id = users.tenant_id
      WHERE token_hash = $1 AND used_at IS NULL AND refresh_tokens.expires_at > now() AND ${IS_LIVE}
        AND spoken.revoked_at IS NULL AND (users.tenant_id IS NULL OR ${LIVE_TENANT_SQL})
        AND ($9::uuid IS NULL OR users.tenant_id = $9::uuid)
        AND NOT (${isTooOld("sessions", seconds("sessionMaxSeconds", "$10"))})
      FOR UPDATE OF refresh_tokens
    ), spoken AS (
      UPDATE session_users SET last_used_at = now(), ip = $5 FROM speaker
      WHERE session_users.session_id = speaker."sessionId" AND session_users.user_id = speaker.id AND session_users.revoked_at IS NULL
      RETURNING session_users.session_id, session_users.user_id, session_users.tenant_id, speaker.token_id, speaker.idle_seconds
    ), spent AS (
      UPDATE refresh_tokens SET used_at = now() FROM spoken WHERE refresh_tokens.id = spoken.token_id
      RETURNING spoken.*
    ), ${PROLONGED}
    SELECT speaker.*, ${ANSWERED} FROM speaker LEFT JOIN live ON true`);

/**
 * Spends the token, prolongs the session, stores the successor and audits it: one statement, so one round trip and one
 * commit. A token of a session that ended is spent too, and gets no successor; where the tenant that is named is none of
 * the account's, or asks for more, nothing is spent. Of fifty callers at once the row lock lets one through; the others
 * find the token used.
 */
export const ROTATE = named(`
    WITH given AS (
      SELECT refresh_tokens.id AS token_id, sessions.id AS session_id, sessions.account_id, sessions.amr, sessions.created_at,
        ${IS_LIVE} AS is_live, ${LAST_SPOKEN} AS last_spoken_at
      FROM refresh_tokens JOIN sessions ON sessions.id = refresh_tokens.session_id
      WHERE token_hash = $1 AND used_at IS NULL AND refresh_tokens.expires_at > now()
      FOR UPDATE OF refresh_tokens
    ), speaker AS (${speaker({ tenant: "$9", idle: "$4", max: "$10" })}
    ), ${speaks("$5")}, spent AS (
      UPDATE refresh_tokens SET used_at = now() FROM given LEFT JOIN spoken ON true LEFT JOIN speaker ON true
      WHERE refresh_tokens.id = given.token_id
        AND (spoken.user_id IS NOT NULL OR NOT given.is_live OR $9::uuid IS NULL AND speaker.id IS NULL)
      RETURNING spoken.session_id, spoken.user_id, spoken.tenant_id, speaker.idle_seconds
    ), ${PROLONGED}
    SELECT speaker.*, given.session_id AS "sessionId", given.account_id AS "accountId", given.is_live AS "isLive", given.amr,
      given.created_at AS "authenticatedAt", ${ANSWERED}
    FROM given LEFT JOIN speaker ON true LEFT JOIN live ON true`);

/**
 * The session of a token that was used already, and whether that was within the grace window. An answer there hands out
 * tokens too, so it is audited: whoever looks into a theft sees from where the token came a second time. A successor that a
 * SECRET_KEY of before has made is found by its time, which is that of the use: it cannot be answered again, but that two
 * have a key of the session is seen all the same.
 */
export const FIND_USED = named(`
    WITH given AS (
      SELECT refresh_tokens.used_at > now() - make_interval(secs => $2) AS in_grace, successors.token_hash AS successor_hash,
        sessions.id AS session_id, sessions.account_id, sessions.amr, sessions.created_at, sessions.idle_expires_at,
        successors.used_at IS NOT NULL AS successor_used, successors.is_known, ${IS_LIVE} AS is_live,
        ${LAST_SPOKEN} AS last_spoken_at
      FROM refresh_tokens JOIN sessions ON sessions.id = refresh_tokens.session_id
        JOIN LATERAL (
          SELECT next.token_hash, next.used_at, next.token_hash = ANY($7) AS is_known FROM refresh_tokens AS next
          WHERE next.session_id = sessions.id
            AND (next.token_hash = ANY($7) OR next.created_at = refresh_tokens.used_at)
          ORDER BY is_known DESC LIMIT 1
        ) AS successors ON true
      WHERE refresh_tokens.token_hash = $1 AND refresh_tokens.used_at IS NOT NULL AND ${IS_LIVE}
    ), speaker AS (${speaker({ tenant: "$8", idle: "$9", max: "$10" })}
    ), ${speaks("$4", "EXISTS (SELECT FROM given WHERE in_grace AND is_known)")}, audited AS (
      INSERT INTO audit_log (id, tenant_id, actor_id, session_id, action, resource_type, resource_id, ip, user_agent, request_id)
      SELECT $3, tenant_id, user_id, session_id, 'auth.refresh_retried', 'session', session_id, $4, $5, $6 FROM spoken
    )
    SELECT speaker.*, given.session_id AS "sessionId", given.account_id AS "accountId", given.is_live AS "isLive", given.amr,
      given.created_at AS "authenticatedAt", spoken.user_id IS NOT NULL AS "isAnswered", in_grace AS "inGrace", successor_hash AS "successorHash",
      successor_used AS "successorUsed",
      round(extract(epoch FROM given.idle_expires_at - now()))::int AS "refreshSeconds"
    FROM given LEFT JOIN speaker ON true LEFT JOIN spoken ON true`);
