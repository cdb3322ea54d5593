/** Codes of an authenticator app (RFC 6238). */
import { Secret, TOTP } from "otpauth";
import type { Context } from "../context.ts";
import { decrypt, encrypt } from "../crypto/secret.ts";
import type { Transaction } from "../db/client.ts";
import type { Owner } from "./owner.ts";

/** RFC 4226, section 4, R6: 160 bits. */
const SECRET_BYTES = 20;
/** What every authenticator app can do. Some ignore any other algorithm, and show wrong codes. */
const FORM = { algorithm: "SHA1", digits: 6, period: 30 };
/** One step to either side, for the clock of the phone and the time it takes to type (RFC 6238, section 5.2). */
const WINDOW = 1;

/** A secret as base32, from the system's random source. */
export function newTotpSecret(): string {
  return new Secret({ size: SECRET_BYTES }).base32;
}

/**
 * What the QR code holds. In its label a colon parts the issuer from the account, escaped or not, and so neither may hold
 * one (Key Uri Format): of "Acme: Login" an app would show the half, and take another issuer than the parameter's.
 */
export function totpUri(secret: string, issuer: string, label: string): string {
  return new TOTP({
    ...FORM,
    issuer: withoutColon(issuer),
    label: withoutColon(label),
    secret,
  }).toString();
}

function withoutColon(text: string): string {
  return text.replace(/[: ]+/g, " ").trim();
}

/** The time step that the code belongs to, null when it is none of those around `now` (milliseconds since 1970). */
export function matchingStep(
  secret: string,
  code: string,
  now = Date.now(),
  form = FORM,
): number | null {
  const totp = new TOTP({ ...form, secret });
  const delta = totp.validate({ token: code, timestamp: now, window: WINDOW });
  return delta === null ? null : totp.counter({ timestamp: now }) + delta;
}

/** The factor's id is authenticated with the secret: copied into another account's row it does not open. */
export function sealSecret({ keyring }: Pick<Context, "keyring">, id: string, secret: string) {
  return Uint8Array.from(encrypt(keyring.data, secret, id));
}

export function openSecret(
  { keyring }: Pick<Context, "keyring">,
  factor: { id: string; secret: Uint8Array },
): string {
  return decrypt(keyring.data, factor.secret, factor.id);
}

/** Why a code is not taken; as audit rows have it, and no answer. */
export type CodeRefusal = "wrong_code" | "code_used_before";

/**
 * Uses a code of the account's app; answers why not, null when it counts. No step counts twice, nor one before the last
 * (RFC 6238, section 5.2): of fifty who show the same code at once the condition in the write lets one through.
 */
export async function spendTotpCode(
  tx: Transaction,
  ctx: Pick<Context, "keyring">,
  { accountId }: Pick<Owner, "accountId">,
  code: string,
): Promise<CodeRefusal | null> {
  const factor = await tx.totpFactor.findFirst({
    where: { accountId, confirmedAt: { not: null } },
    select: { id: true, secret: true },
  });
  const step = factor && matchingStep(openSecret(ctx, factor), code);
  if (!factor || step === null) return "wrong_code";
  const { count } = await tx.totpFactor.updateMany({
    where: { id: factor.id, accountId, lastStep: { lt: step } },
    data: { lastStep: step },
  });
  return count === 1 ? null : "code_used_before";
}
