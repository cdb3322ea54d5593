import { recordAudit } from "../audit/record.ts";
import type { SessionContext } from "../context.ts";
import { newApiKey } from "../crypto/api-key.ts";
import type { Transaction } from "../db/client.ts";
import { commit } from "../db/commit.ts";
import { newId } from "../db/id.ts";
import { PermissionError, ValidationError } from "../errors.ts";
import { assertDeclared } from "../roles/declared.ts";
import { assertMayManage } from "../roles/giving.ts";
import { assertWithin, heldBy } from "../roles/held.ts";
import { assertInPerson } from "../roles/in-person.ts";
import { assertSessionLives } from "../sessions/assert-live.ts";
import { assertRecentProof } from "../sessions/recent-proof.ts";
import { type LockedUser, lockUser } from "../users/reach.ts";
import { apiKeySelect, type CreateApiKeyInput, type CreatedApiKey, toApiKey } from "./schemas.ts";

const DAY_MILLIS = 24 * 3600 * 1000;

/**
 * Makes a key, of the caller or of somebody whom they may manage (CVE-2025-61928: whose key it is was once read from
 * the body and never checked). Its scopes lie within what both may do. Sessions only: a leaked key that could make
 * another one would outlive its revocation.
 * @throws PermissionError, ValidationError; NotFoundError for a user whom the caller does not see; ApiError
 * `reauthentication_required`.
 */
export async function createApiKey(
  ctx: SessionContext,
  { name, scopes, expiresInDays, userId = ctx.principal.userId }: CreateApiKeyInput,
): Promise<CreatedApiKey> {
  const { principal } = ctx;
  assertInPerson(principal, "api_key:create");
  // Also for somebody else's: whoever makes a key sees it, and it goes on when this session has ended.
  assertRecentProof(ctx);
  if (userId !== principal.userId && !principal.permissions.has("api_key:create"))
    throw new PermissionError("A key of somebody else needs the permission api_key:create.");
  await assertDeclared(ctx, scopes, "scopes");
  assertWithin(principal.permissions, scopes);

  return commit(ctx, async (tx) => {
    const user = await lockUser(tx, ctx, userId, { kinds: ["person", "service"] });
    await assertSessionLives(tx, ctx);
    await assertMayManage(tx, ctx, user.id);
    await assertHolds(tx, user, scopes);
    if (expiresInDays === null && user.kind !== "service")
      throw new ValidationError([
        {
          path: "expiresInDays",
          message: "Only the key of a service account may last for ever: people leave",
        },
      ]);
    const { key, prefix, hash } = newApiKey();
    const row = await tx.apiKey.create({
      data: {
        id: newId(),
        userId: user.id,
        tenantId: user.tenantId,
        name,
        prefix,
        keyHash: Uint8Array.from(hash),
        scopes,
        expiresAt:
          expiresInDays === null ? null : new Date(Date.now() + expiresInDays * DAY_MILLIS),
        createdBy: principal.userId,
      },
      select: apiKeySelect,
    });
    await recordAudit(tx, ctx, {
      action: "api_key.created",
      resourceType: "api_key",
      resourceId: row.id,
      tenantId: user.tenantId,
      details: {
        userId: user.id,
        name,
        prefix,
        scopes,
        expiresAt: row.expiresAt?.toISOString() ?? null,
      },
    });
    return { ...toApiKey(row), key };
  });
}

/** A scope that the user does not hold would work from the day that they are given it: nobody means that. */
async function assertHolds(
  tx: Transaction,
  { id, tenantId }: LockedUser,
  scopes: readonly string[],
): Promise<void> {
  const held = await heldBy(tx, { userId: id, tenantId });
  const missing = scopes.filter((scope) => !held.has(scope));
  if (missing.length > 0)
    throw new ValidationError(
      missing.map((scope) => ({ path: "scopes", message: `The user does not hold ${scope}` })),
    );
}
