/** By which of its devices an account knows the client, for each way in that a log-in goes (http/known-device.ts). */
import type { Context } from "../context.ts";
import { hashToken } from "../crypto/secret.ts";
import { named } from "../db/statement-names.ts";
import type { AccountName } from "../mail/requests.ts";
import { knownDeviceSql } from "../sessions/device.ts";
import { findAccount } from "./account.ts";

/** Of the account that an address means. */
export async function deviceAtLogin(ctx: Context, name: AccountName): Promise<string | null> {
  return (await findAccount(ctx, name))?.knownDevice ?? null;
}

/** Of the account for which there is a one-time token, or a code that was asked for with this challenge. */
export function deviceOfToken(ctx: Context, token: string): Promise<string | null> {
  return ask(ctx, OF_TOKEN, hashToken(token));
}

/** Of the account that a passkey belongs to. */
export function deviceOfPasskey(ctx: Context, { id }: { id: string }): Promise<string | null> {
  return ask(ctx, OF_PASSKEY, Buffer.from(id, "base64url"));
}

const OF_TOKEN = knownBy(`
  SELECT users.account_id FROM one_time_tokens JOIN users ON users.id = one_time_tokens.user_id
  WHERE token_hash = $1 OR challenge_hash = $1 LIMIT 1`);

const OF_PASSKEY = knownBy("SELECT passkeys.account_id FROM passkeys WHERE credential_id = $1");

/** @param accountId SQL: the account of $1. */
function knownBy(accountId: string) {
  return named(
    `SELECT ${knownDeviceSql("$2::uuid[]")} AS device FROM accounts WHERE accounts.id = (${accountId})`,
  );
}

async function ask(
  { pool, origin }: Context,
  statement: { name: string; text: string },
  value: Buffer,
): Promise<string | null> {
  const values = [value, origin.devices ?? []];
  const { rows } = await pool.query<{ device: string | null }>({ ...statement, values });
  return rows[0]?.device ?? null;
}
