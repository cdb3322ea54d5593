/** What the browser is told to make a passkey with (WebAuthn Level 3, section 5.4). */
import { randomBytes } from "node:crypto";
import type { SessionContext } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { commit } from "../db/commit.ts";
import { ApiError } from "../errors.ts";
import { issueOneTimeToken } from "../one-time-tokens/issue.ts";
import { lockOwner, type Owner } from "./owner.ts";
import { CHALLENGE_SECONDS, descriptorsOf } from "./webauthn.ts";
import type { PasskeyCreationOptions } from "./webauthn-schemas.ts";

/** ES256, EdDSA and RS256 (Windows Hello), in the order of preference. */
export const ALGORITHMS = [-7, -8, -257];
const MOST_PASSKEYS = 20;
const USER_HANDLE_BYTES = 32;

/** What is kept with the challenge: the handle that the authenticator was told. */
export type CreationPayload = { userHandle: string };

/** Options for the browser, with a challenge for this session alone. @throws ApiError `factor_exists` at the limit. */
export async function passkeyCreationOptions(ctx: SessionContext): Promise<PasskeyCreationOptions> {
  return commit(ctx, async (tx) => {
    const owner = await lockOwner(tx, ctx);
    await assertRoom(tx, owner);
    const userHandle = await userHandleOf(tx, owner);
    const { token: challenge } = await issueOneTimeToken(tx, ctx, {
      purpose: "passkey_registration",
      user: owner,
      boundTo: ctx.principal.sessionId,
      ttlSeconds: CHALLENGE_SECONDS,
      payload: { userHandle } satisfies CreationPayload,
    });
    return {
      rp: { id: ctx.config.passkeyRpId, name: ctx.config.productName },
      user: { id: userHandle, name: owner.email, displayName: owner.email },
      challenge,
      pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: "public-key", alg })),
      timeout: CHALLENGE_SECONDS * 1000,
      excludeCredentials: await descriptorsOf(tx, owner),
      authenticatorSelection: {
        residentKey: "preferred",
        requireResidentKey: false,
        userVerification: "preferred",
      },
      attestation: "none",
    };
  });
}

/** The caller holds a lock on the owner. @throws ApiError `factor_exists`. */
export async function assertRoom(tx: Transaction, { accountId }: Owner): Promise<void> {
  if ((await tx.passkey.count({ where: { accountId } })) >= MOST_PASSKEYS)
    throw new ApiError("factor_exists", `There are ${MOST_PASSKEYS} passkeys: remove one first.`);
}

/** Random, so that it tells nothing of the person (section 14.6.1), and one for all passkeys of an account. */
async function userHandleOf(tx: Transaction, { accountId }: Owner): Promise<string> {
  const known = await tx.passkey.findFirst({
    where: { accountId },
    orderBy: { id: "asc" },
    select: { userHandle: true },
  });
  return Buffer.from(known?.userHandle ?? randomBytes(USER_HANDLE_BYTES)).toString("base64url");
}
