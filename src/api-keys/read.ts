import type { AuthedContext } from "../context.ts";
import { isId } from "../db/id.ts";
import { type Page, readPage } from "../db/keyset.ts";
import { NotFoundError, PermissionError } from "../errors.ts";
import { visibleUser } from "../users/reach.ts";
import { reachableKeys } from "./reach.ts";
import { type ApiKey, apiKeySelect, type ListApiKeysQuery, toApiKey } from "./schemas.ts";

const ORDER = {
  list: "api-keys",
  column: "createdAt",
  type: "instant",
  direction: "desc",
} as const;

/** @throws NotFoundError also for a revoked key, and for one that the caller may not see. */
export async function getApiKey(ctx: AuthedContext, id: string): Promise<ApiKey> {
  const reachable = reachableKeys(ctx, "api_key:read");
  if (!isId(id)) throw new NotFoundError("API key");
  const row = await ctx.db.apiKey.findFirst({
    where: { ...reachable, id, revokedAt: null },
    select: apiKeySelect,
  });
  if (!row) throw new NotFoundError("API key");
  return toApiKey(row);
}

/**
 * The keys of one user that were not revoked, the newest first; those that have expired are among them.
 * @throws PermissionError, NotFoundError for a user whom the caller does not see.
 */
export async function listApiKeys(
  ctx: AuthedContext,
  { userId = ctx.principal.userId, ...range }: ListApiKeysQuery,
): Promise<Page<ApiKey>> {
  const reachable = reachableKeys(ctx, "api_key:read");
  if (userId !== ctx.principal.userId) await assertSees(ctx, userId);
  const page = await readPage(ORDER, range, ({ where, ...rest }) =>
    ctx.db.apiKey.findMany({
      where: { AND: [reachable, { userId, revokedAt: null }, where] },
      ...rest,
      select: apiKeySelect,
    }),
  );
  return { items: page.items.map(toApiKey), nextCursor: page.nextCursor };
}

async function assertSees(ctx: AuthedContext, userId: string): Promise<void> {
  if (!ctx.principal.permissions.has("api_key:read"))
    throw new PermissionError("The keys of somebody else need the permission api_key:read.");
  const user = await ctx.db.user.findFirst({
    where: { ...visibleUser(ctx, userId, ["person", "service"]), isDeleted: false },
    select: { id: true },
  });
  if (!user) throw new NotFoundError("user");
}
