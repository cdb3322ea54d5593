/** Showing a passkey (WebAuthn Level 3, section 7.2). */
import { Prisma } from "../../generated/prisma/client.ts";
import type { Context } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { LIVE_ACCOUNT_SQL } from "../db/live.ts";
import { issueOneTimeToken } from "../one-time-tokens/issue.ts";
import type { AuthenticationMethod } from "../sessions/facts.ts";
import type { Owner } from "./owner.ts";
import { CHALLENGE_SECONDS, descriptorsOf, redeemChallenge } from "./webauthn.ts";
import { webauthn } from "./webauthn-library.ts";
import type { PasskeyAssertion, PasskeyRequestOptions } from "./webauthn-schemas.ts";

export type Ceremony = {
  /** Whose passkey it must be; null where the passkey itself tells. */
  owner: Owner | null;
  /** The session or the log-in that asks. */
  boundTo: string | null;
  /** Whether the device must make sure of its user: where the passkey is all that is shown. */
  userVerification: "required" | "preferred";
};

type Assertion =
  | { methods: AuthenticationMethod[] }
  /** For the audit log, not for the caller. */
  | { refused: "client_data" | "unknown_passkey" | "user_handle" | "not_verified" | "sign_count" };

/** Options for the browser. Without an owner they are the same for everybody, so they tell of nobody. */
export async function passkeyRequestOptions(
  tx: Transaction,
  ctx: Context,
  { owner, boundTo, userVerification }: Ceremony,
): Promise<PasskeyRequestOptions> {
  const { token: challenge } = await issueOneTimeToken(tx, ctx, {
    purpose: "passkey_login",
    user: owner,
    ttlSeconds: CHALLENGE_SECONDS,
    ...(boundTo !== null && { boundTo }),
  });
  return {
    challenge,
    rpId: ctx.config.passkeyRpId,
    timeout: CHALLENGE_SECONDS * 1000,
    allowCredentials: owner ? await descriptorsOf(tx, owner) : [],
    userVerification,
  };
}

/**
 * Whose passkey this is said to be, null for one that nobody has. Of the users of the account a live one, the platform's
 * first, then who was here last, as at every log-in that names no tenant (auth/account.ts).
 */
export async function findPasskeyOwner(
  tx: Transaction,
  { id }: PasskeyAssertion,
): Promise<Owner | null> {
  const [owner] = await tx.$queryRaw<Owner[]>`
    SELECT users.id, users.tenant_id AS "tenantId", users.account_id AS "accountId"
    FROM passkeys JOIN users ON users.account_id = passkeys.account_id
      LEFT JOIN tenants ON tenants.id = users.tenant_id
    WHERE passkeys.credential_id = ${bytesOf(id)}
    ORDER BY ${Prisma.raw(LIVE_ACCOUNT_SQL)} DESC, users.tenant_id IS NOT NULL, users.last_login_at DESC NULLS LAST, users.created_at, users.id LIMIT 1`;
  return owner ?? null;
}

/**
 * Checks that `holder` has shown their passkey, and notes its use. The challenge is spent either way, so the caller must
 * let the transaction commit; it holds a lock on the holder's account, so two uses of one passkey come one after the other.
 */
export async function checkAssertion(
  tx: Transaction,
  ctx: Context,
  assertion: PasskeyAssertion,
  holder: Owner | null,
  { owner, boundTo, userVerification }: Ceremony,
): Promise<Assertion> {
  const { clientDataJSON, userHandle } = assertion.response;
  const redeemed = await redeemChallenge(tx, ctx, "passkey_login", clientDataJSON, {
    owner,
    boundTo,
  });
  if (!redeemed) return { refused: "client_data" };
  const passkey = holder && (await findPasskey(tx, assertion, holder));
  if (!passkey) return { refused: "unknown_passkey" };
  // Section 7.2, step 6: it must be the owner's, and must be there when nothing else says who that is.
  const handle = Buffer.from(passkey.userHandle).toString("base64url");
  if (owner === null ? userHandle !== handle : userHandle && userHandle !== handle)
    return { refused: "user_handle" };
  const seen = await verify(ctx, assertion, passkey, redeemed.challenge, userVerification);
  // Whether a passkey may be copied never changes (section 6.1.3).
  if (!seen || (seen.credentialDeviceType === "multiDevice") !== passkey.backupEligible)
    return { refused: "not_verified" };
  // A counter that does not rise means (section 6.1.1) that there are two of what should be one. Passkeys that are copied on
  // purpose count nothing and stay at 0.
  const { newCounter } = seen;
  if ((newCounter > 0 || passkey.signCount > 0) && newCounter <= passkey.signCount)
    return { refused: "sign_count" };
  await tx.passkey.update({
    where: { id: passkey.id, accountId: holder.accountId },
    data: { signCount: newCounter, backedUp: seen.credentialBackedUp, lastUsedAt: new Date() },
    select: { id: true },
  });
  return {
    methods: [
      passkey.backupEligible ? "swk" : "hwk",
      ...(seen.userVerified ? ["user" as const] : []),
    ],
  };
}

type StoredPasskey = NonNullable<Awaited<ReturnType<typeof findPasskey>>>;

function findPasskey(tx: Transaction, { id }: PasskeyAssertion, holder: Owner) {
  return tx.passkey.findFirst({
    where: { credentialId: bytesOf(id), accountId: holder.accountId },
    select: { id: true, publicKey: true, userHandle: true, signCount: true, backupEligible: true },
  });
}

async function verify(
  { config }: Context,
  { id, rawId, type, response }: PasskeyAssertion,
  passkey: StoredPasskey,
  challenge: string,
  userVerification: "required" | "preferred",
) {
  const { verifyAuthenticationResponse } = await webauthn();
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: {
        id,
        rawId,
        type,
        clientExtensionResults: {},
        response: {
          clientDataJSON: response.clientDataJSON,
          authenticatorData: response.authenticatorData,
          signature: response.signature,
        },
      },
      expectedChallenge: challenge,
      expectedOrigin: config.passkeyOrigins,
      expectedRPID: config.passkeyRpId,
      requireUserVerification: userVerification === "required",
      // The library looks at the counter before the signature, and anybody can write a counter: we look afterwards.
      credential: { id, publicKey: Uint8Array.from(passkey.publicKey), counter: 0 },
    });
    return verified ? authenticationInfo : null;
  } catch {
    // What the library throws tells the caller nothing that helps them.
    return null;
  }
}

function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(base64url, "base64url"));
}
