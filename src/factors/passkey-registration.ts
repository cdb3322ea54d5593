/** Making a passkey (WebAuthn Level 3, section 7.1). */
import type { Context, SessionContext } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { commit } from "../db/commit.ts";
import { violatesUnique } from "../db/failures.ts";
import { newId } from "../db/id.ts";
import { ValidationError } from "../errors.ts";
import { recordFactorChange, recordFactorRefusal } from "./changes.ts";
import { lockOwner } from "./owner.ts";
import { ALGORITHMS, assertRoom, type CreationPayload } from "./passkey-options.ts";
import { passkeySelect, toPasskey } from "./passkeys.ts";
import type { Passkey } from "./schemas.ts";
import { redeemChallenge } from "./webauthn.ts";
import { webauthn } from "./webauthn-library.ts";
import type { PasskeyRegistration, RegisterPasskeyInput } from "./webauthn-schemas.ts";

/**
 * No statement on the make of the authenticator is asked for, so browsers send `none`, or what a key signs of itself.
 * Other formats carry certificates, and checking these fetches revocation lists from addresses that the certificates
 * name: a way to make this server call others.
 */
const ATTESTATION_FORMATS: readonly string[] = ["none", "packed"];
const NO_AAGUID = "00000000-0000-0000-0000-000000000000";

/**
 * Stores the passkey that the browser made.
 * @throws ValidationError, the same for a wrong answer and for a credential that another account has: whose is not told.
 * ApiError `factor_exists` at the limit.
 */
export async function registerPasskey(
  ctx: SessionContext,
  { name, response }: RegisterPasskeyInput,
): Promise<Passkey> {
  const passkey = await withCredentialTaken(
    commit(ctx, async (tx) => {
      const owner = await lockOwner(tx, ctx);
      await assertRoom(tx, owner);
      const redeemed = await redeemChallenge(
        tx,
        ctx,
        "passkey_registration",
        response.response.clientDataJSON,
        { owner, boundTo: ctx.principal.sessionId },
      );
      const made = redeemed && (await verifyRegistration(ctx, response, redeemed.challenge));
      if (!made || (await isTaken(tx, made.credentialId))) {
        await recordFactorRefusal(tx, ctx, owner, "passkey");
        return null;
      }
      const { userHandle } = redeemed.payload as CreationPayload;
      const row = await tx.passkey.create({
        data: {
          ...made,
          id: newId(),
          accountId: owner.accountId,
          name: name ?? "Passkey",
          userHandle: bytesOf(userHandle),
          transports: response.response.transports ?? [],
        },
        select: passkeySelect,
      });
      const change = { factor: "passkey", change: "added", id: row.id } as const;
      await recordFactorChange(tx, ctx, owner, change);
      return toPasskey(row);
    }),
  );
  if (passkey) return passkey;
  throw new ValidationError([{ path: "response", message: "The passkey was not accepted" }]);
}

/** The columns of a passkey that was made as we asked, null for any other. */
async function verifyRegistration(
  { config }: Pick<Context, "config">,
  response: PasskeyRegistration,
  challenge: string,
) {
  const { decodeAttestationObject, verifyRegistrationResponse } = await webauthn();
  try {
    const attestation = decodeAttestationObject(bytesOf(response.response.attestationObject));
    if (!ATTESTATION_FORMATS.includes(attestation.get("fmt"))) return null;
    const { registrationInfo } = await verifyRegistrationResponse({
      response: {
        id: response.id,
        rawId: response.rawId,
        type: response.type,
        clientExtensionResults: {},
        response: {
          clientDataJSON: response.response.clientDataJSON,
          attestationObject: response.response.attestationObject,
        },
      },
      expectedChallenge: challenge,
      expectedOrigin: config.passkeyOrigins,
      expectedRPID: config.passkeyRpId,
      requireUserVerification: false,
      supportedAlgorithmIDs: ALGORITHMS,
    });
    if (!registrationInfo) return null;
    const { credential, aaguid, credentialDeviceType, credentialBackedUp } = registrationInfo;
    if (credential.id !== response.id) return null;
    return {
      credentialId: bytesOf(credential.id),
      publicKey: Uint8Array.from(credential.publicKey),
      signCount: credential.counter,
      aaguid: aaguid === NO_AAGUID ? null : aaguid,
      backupEligible: credentialDeviceType === "multiDevice",
      backedUp: credentialBackedUp,
    };
  } catch {
    // What the library throws tells the caller nothing that helps them.
    return null;
  }
}

/** A credential's id is unique in the installation, as it is for the browser. */
async function isTaken(tx: Transaction, credentialId: Uint8Array<ArrayBuffer>): Promise<boolean> {
  return (await tx.passkey.count({ where: { credentialId } })) > 0;
}

/** Of two who register one credential at once both find it free; the index lets one through. Null for the other. */
async function withCredentialTaken<T>(written: Promise<T>): Promise<T | null> {
  try {
    return await written;
  } catch (err) {
    if (violatesUnique(err, "passkeys_credential_id_key")) return null;
    throw err;
  }
}

function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(base64url, "base64url"));
}
