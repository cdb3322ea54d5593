/** Codes to print out, each good once in place of the second factor. */
import { Secret } from "otpauth";
import type { Context, SessionContext } from "../context.ts";
import { hashToken } from "../crypto/secret.ts";
import type { Transaction } from "../db/client.ts";
import { commit } from "../db/commit.ts";
import { newId } from "../db/id.ts";
import { NotFoundError } from "../errors.ts";
import { tellUser } from "../mail/send.ts";
import { recordFactorChange } from "./changes.ts";
import { lockOwner, type Owner } from "./owner.ts";
import { secondFactorsOf } from "./second-factors.ts";
import type { CodeRefusal } from "./totp.ts";

const CODES = 10;
/** 120 bits, past the 112 from which a plain hash is enough (ASVS 5.0, 6.5.2). */
const CODE_BYTES = 15;

/**
 * Draws a new set and shows it, this once; the old set counts no longer.
 * @throws NotFoundError for an account without another factor: there is nothing to stand in for.
 */
export async function renewRecoveryCodes(ctx: SessionContext): Promise<string[]> {
  return commit(ctx, async (tx) => {
    const owner = await lockOwner(tx, ctx);
    if ((await secondFactorsOf(tx, owner)).length === 0) throw new NotFoundError("second factor");
    const codes = await replaceRecoveryCodes(tx, owner);
    await recordFactorChange(tx, ctx, owner, { factor: "recovery_codes", change: "added" });
    return codes;
  });
}

/** The caller holds a lock on the account and audits it. */
export async function replaceRecoveryCodes(
  tx: Transaction,
  { accountId }: Owner,
): Promise<string[]> {
  const codes = Array.from({ length: CODES }, newCode);
  await tx.recoveryCode.deleteMany({ where: { accountId } });
  await tx.recoveryCode.createMany({
    data: codes.map((code) => ({ id: newId(), accountId, codeHash: hashOf(code) })),
  });
  return codes;
}

export async function hasRecoveryCodes(tx: Transaction, { accountId }: Owner): Promise<boolean> {
  return (await tx.recoveryCode.count({ where: { accountId, usedAt: null } })) > 0;
}

/** Uses a code of the account, and the owner hears of it; answers why not, null when it counts. */
export async function spendRecoveryCode(
  tx: Transaction,
  ctx: Context,
  owner: Owner,
  code: string,
): Promise<CodeRefusal | null> {
  const all = { accountId: owner.accountId };
  const codeHash = hashOf(code);
  const { count } = await tx.recoveryCode.updateMany({
    where: { ...all, usedAt: null, codeHash },
    data: { usedAt: new Date() },
  });
  if (count === 0)
    return (await tx.recoveryCode.count({ where: { ...all, codeHash } })) > 0
      ? "code_used_before"
      : "wrong_code";
  const left = await tx.recoveryCode.count({ where: { ...all, usedAt: null } });
  await tellUser(tx, ctx, owner, { template: "recovery_code_used", left });
  return null;
}

/** Base32 has no 0, 1 and 8: nothing to take for O, I or B. In groups of four, as people copy them. */
function newCode(): string {
  const { base32 } = new Secret({ size: CODE_BYTES });
  return base32.match(/.{4}/g)?.join("-") ?? base32;
}

/** Of what was printed, or typed as `TypedCode` (fields.ts) reads it: case and hyphens are only for the eye. */
function hashOf(code: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hashToken(code.toUpperCase().replaceAll("-", "")));
}
