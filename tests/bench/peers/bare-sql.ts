/** One statement an answer, named, so that PostgreSQL parses it once a connection. $1 is the caller. */

const ROLES = `
  ARRAY(SELECT roles.name FROM user_roles JOIN roles ON roles.id = user_roles.role_id
    WHERE user_roles.user_id = users.id ORDER BY roles.name)`;

const USER_FIELDS = `
  users.id, users.tenant_id AS "tenantId", users.email, users.pending_email AS "pendingEmail", users.first_name AS "firstName",
  users.last_name AS "lastName", users.status, ${ROLES} AS roles, users.email_verified_at AS "emailVerifiedAt",
  users.last_login_at AS "lastLoginAt", users.created_at AS "createdAt", users.updated_at AS "updatedAt", users.version`;

const TIME = (column: string) =>
  `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

export const ME = {
  name: "me",
  text: `
    SELECT ${USER_FIELDS},
      json_build_object('id', tenants.id, 'slug', tenants.slug, 'name', tenants.name, 'status', tenants.status,
        'settings', tenants.settings, 'seatLimit', tenants.seat_limit, 'deletedAt', tenants.deleted_at,
        'createdAt', ${TIME("tenants.created_at")}, 'updatedAt', ${TIME("tenants.updated_at")}, 'version', tenants.version) AS tenant,
      ARRAY(SELECT DISTINCT permission_key::text FROM user_roles JOIN role_permissions USING (role_id)
        WHERE user_roles.user_id = users.id ORDER BY 1) AS permissions
    FROM users JOIN tenants ON tenants.id = users.tenant_id
    WHERE users.id = $1 AND NOT users.is_deleted`,
};

const IN_TENANT = `
  FROM users WHERE tenant_id = (SELECT caller.tenant_id FROM users AS caller WHERE caller.id = $1)
    AND NOT is_deleted AND kind = 'person'`;

export const USERS_FIRST = {
  name: "users-first",
  text: `SELECT ${USER_FIELDS} ${IN_TENANT} ORDER BY users.created_at DESC, users.id DESC LIMIT $2`,
};
export const USERS_AFTER = {
  name: "users-after",
  text: `SELECT ${USER_FIELDS} ${IN_TENANT} AND (users.created_at, users.id) < ($3::timestamptz, $4::uuid)
    ORDER BY users.created_at DESC, users.id DESC LIMIT $2`,
};
export const USER = {
  name: "user",
  text: `SELECT ${USER_FIELDS} ${IN_TENANT} AND users.id = $2`,
};

export const AUDIT_PAGE = {
  name: "audit",
  text: `
    SELECT id, tenant_id AS "tenantId", actor_id AS "actorId", impersonator_id AS "impersonatorId", session_id AS "sessionId",
      action, resource_type AS "resourceType", resource_id AS "resourceId", outcome, details, host(ip) AS ip,
      user_agent AS "userAgent", request_id AS "requestId", created_at AS "createdAt"
    FROM audit_log WHERE tenant_id = (SELECT users.tenant_id FROM users WHERE users.id = $1)
    ORDER BY created_at DESC, id DESC LIMIT $2`,
};

/** The rows that a refresh of Tenantry writes: token spent, successor, session prolonged, as whom it spoke, and the audit row. */
export const REFRESH = {
  name: "refresh",
  text: `
    WITH spent AS (
      UPDATE refresh_tokens SET used_at = now() WHERE token_hash = $1 AND used_at IS NULL AND expires_at > now()
      RETURNING session_id
    ), live AS (
      UPDATE sessions SET last_used_at = now(), idle_expires_at = least(now() + interval '30 days', expires_at), ip = $5::inet, user_agent = $6
      FROM spent WHERE id = spent.session_id AND revoked_at IS NULL AND idle_expires_at > now() RETURNING id, idle_expires_at
    ), spoken AS (
      UPDATE session_users SET last_used_at = now(), ip = $5::inet FROM live WHERE session_id = live.id AND session_users.revoked_at IS NULL
      RETURNING session_id, user_id, tenant_id
    ), successor AS (
      INSERT INTO refresh_tokens (id, session_id, token_hash, expires_at) SELECT $2, id, $3, idle_expires_at FROM live
    ), audited AS (
      INSERT INTO audit_log (id, tenant_id, actor_id, session_id, action, resource_type, resource_id, ip, user_agent, request_id)
      SELECT $4, tenant_id, user_id, session_id, 'auth.refreshed', 'session', session_id, $5::inet, $6, $7 FROM spoken
    )
    SELECT spoken.session_id AS "sessionId", ${USER_FIELDS} FROM spoken JOIN users ON users.id = spoken.user_id`,
};
