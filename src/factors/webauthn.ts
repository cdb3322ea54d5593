/** What registering a passkey and showing one have in common. */
import { z } from "zod";
import type { OneTimePurpose } from "../../generated/prisma/client.ts";
import type { Context } from "../context.ts";
import type { Transaction } from "../db/client.ts";
import { type OneTimeToken, redeemToken } from "../one-time-tokens/redeem.ts";
import type { Owner } from "./owner.ts";

/** How long a challenge may wait for the person at the authenticator. */
export const CHALLENGE_SECONDS = 5 * 60;

const ClientData = z.object({
  challenge: z.string(),
  crossOrigin: z.boolean().optional(),
  topOrigin: z.string().optional(),
});

/**
 * Uses up the challenge that the client data (WebAuthn Level 3, section 5.8.1) names. Null unless it was issued for this
 * ceremony and for this session or log-in; from within a frame of another site's page neither, since nobody asked for
 * that. Whatever comes after, the challenge is spent: the caller must let the transaction commit.
 */
export async function redeemChallenge(
  tx: Transaction,
  ctx: Pick<Context, "keyring">,
  purpose: OneTimePurpose,
  clientDataJSON: string,
  { owner, boundTo }: { owner: Owner | null; boundTo: string | null },
): Promise<(OneTimeToken & { challenge: string }) | null> {
  const clientData = readClientData(clientDataJSON);
  if (!clientData) return null;
  const { challenge, crossOrigin, topOrigin } = clientData;
  const redeemed = await redeemToken(tx, ctx, [purpose], challenge);
  if (!redeemed || crossOrigin || topOrigin !== undefined) return null;
  const isTheirs = redeemed.userId === (owner?.id ?? null) && redeemed.boundTo === boundTo;
  return isTheirs ? { ...redeemed, challenge } : null;
}

/** The account's passkeys as a browser wants them named. */
export async function descriptorsOf(tx: Transaction, { accountId }: Owner) {
  const passkeys = await tx.passkey.findMany({
    where: { accountId },
    orderBy: { id: "asc" },
    select: { credentialId: true, transports: true },
  });
  return passkeys.map(({ credentialId, transports }) => ({
    id: Buffer.from(credentialId).toString("base64url"),
    type: "public-key" as const,
    transports,
  }));
}

function readClientData(text: string): z.infer<typeof ClientData> | null {
  try {
    return ClientData.parse(JSON.parse(Buffer.from(text, "base64url").toString("utf8")));
  } catch {
    return null;
  }
}
