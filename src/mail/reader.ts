/**
 * Which language and time zone a mail has: what its reader chose, else what their tenant did, else what the request asks
 * for, where the reader is the one who asks.
 */
import type { Transaction } from "../db/client.ts";
import type { Principal, RequestOrigin } from "../principal.ts";
import { readSettings } from "../tenant-settings/settings.ts";

/** A user; without an id somebody of the tenant, or without either anybody, of whom nothing is known yet. */
export type Addressed = { id?: string | null; tenantId?: string | null };

export type Reader = {
  /** Null of nobody in particular. */
  email: string | null;
  /** Whether that address was proved. */
  verified: boolean;
  language: string | null;
  timeZone: string | null;
};

type Row = Reader & { settings: unknown };

type Asking = { origin: RequestOrigin; principal?: Pick<Principal, "userId" | "impersonatorId"> };

/**
 * The languages that a request asks for, null where it is somebody else's than the reader's: an administrator's are not
 * those of the people whom they look after. Of somebody without an account, such as one who is invited, they are the best
 * guess that there is. @param readerId null where nobody in particular is meant.
 */
export function languageAskedBy(ctx: Asking, readerId: string | null): string | null {
  const { principal, origin } = ctx;
  if (!principal || readerId === null) return origin.language;
  const isReader = principal.userId === readerId && principal.impersonatorId === null;
  return isReader ? origin.language : null;
}

export async function readerOf(
  tx: Transaction,
  ctx: Asking,
  { id = null, tenantId = null }: Addressed,
): Promise<Reader> {
  const [{ settings, ...reader }] = await tx.$queryRaw<[Row]>`
    SELECT users.email, users.email_verified_at IS NOT NULL AS verified, user_profiles.language,
      user_profiles.timezone AS "timeZone", tenants.settings
    FROM (SELECT ${id}::uuid AS id, ${tenantId}::uuid AS tenant_id) AS addressed
      LEFT JOIN users ON users.id = addressed.id AND users.tenant_id IS NOT DISTINCT FROM addressed.tenant_id
      LEFT JOIN user_profiles ON user_profiles.user_id = users.id
      LEFT JOIN tenants ON tenants.id = addressed.tenant_id`;
  return {
    ...reader,
    language: reader.language ?? readSettings(settings).locale ?? languageAskedBy(ctx, id),
  };
}
