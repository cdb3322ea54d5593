/** Ended sessions are kept for ninety days; refresh tokens go when they expire, or with their session. */
import { oldRows } from "../db/old-rows.ts";

const KEPT = "90 days";

/** Ids are UUIDv7, so sessions that began before a time are a range of ids. */
const BEGAN_BEFORE = `id < rpad(lpad(to_hex(floor(extract(epoch FROM now() - interval '${KEPT}') * 1000)::bigint), 12, '0'), 32, '0')::uuid`;

export const OLD_SESSIONS = {
  refresh_tokens: oldRows("refresh_tokens", "expires_at"),
  sessions_expired: oldRows("sessions", "expires_at", KEPT),
  sessions_revoked: oldRows("sessions", "revoked_at", KEPT),
  sessions_idle: oldRows("sessions", "id", KEPT, {
    isOld: `${BEGAN_BEFORE} AND idle_expires_at < now() - interval '${KEPT}'`,
  }),
} as const;
