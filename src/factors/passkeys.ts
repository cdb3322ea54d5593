/** The passkeys that an account has. */
import type { Prisma } from "../../generated/prisma/client.ts";
import { recordAccountEvent } from "../audit/account-events.ts";
import type { SessionContext } from "../context.ts";
import { commit } from "../db/commit.ts";
import { isId } from "../db/id.ts";
import { NotFoundError } from "../errors.ts";
import { dropOrphanedRecoveryCodes, recordFactorChange } from "./changes.ts";
import { lockOwner } from "./owner.ts";
import type { Passkey } from "./schemas.ts";

/** The columns behind `Passkey`. */
export const passkeySelect = {
  id: true,
  name: true,
  createdAt: true,
  lastUsedAt: true,
  backedUp: true,
  transports: true,
} satisfies Prisma.PasskeySelect;

type PasskeyRow = Prisma.PasskeyGetPayload<{ select: typeof passkeySelect }>;

export function toPasskey({ createdAt, lastUsedAt, ...row }: PasskeyRow): Passkey {
  return {
    ...row,
    createdAt: createdAt.toISOString(),
    lastUsedAt: lastUsedAt?.toISOString() ?? null,
  };
}

/** @throws NotFoundError also for somebody else's. */
export async function renamePasskey(
  ctx: SessionContext,
  id: string,
  name: string,
): Promise<Passkey> {
  if (!isId(id)) throw new NotFoundError("passkey");
  return commit(ctx, async (tx) => {
    const owner = await lockOwner(tx, ctx);
    const [row] = await tx.passkey.updateManyAndReturn({
      where: { id, accountId: owner.accountId },
      data: { name },
      select: passkeySelect,
    });
    if (!row) throw new NotFoundError("passkey");
    await recordAccountEvent(tx, ctx, {
      action: "factor.renamed",
      user: owner,
      details: { factor: "passkey", id },
    });
    return toPasskey(row);
  });
}

/** Also the last one of an account without a password: a link by mail still lets them in. @throws NotFoundError */
export async function removePasskey(ctx: SessionContext, id: string): Promise<void> {
  if (!isId(id)) throw new NotFoundError("passkey");
  await commit(ctx, async (tx) => {
    const owner = await lockOwner(tx, ctx);
    const { count } = await tx.passkey.deleteMany({ where: { id, accountId: owner.accountId } });
    if (count === 0) throw new NotFoundError("passkey");
    await dropOrphanedRecoveryCodes(tx, owner);
    await recordFactorChange(tx, ctx, owner, { factor: "passkey", change: "removed", id });
  });
}
