import { z } from "zod";
import { recordAudit } from "../../audit/record.ts";
import type { AuthedContext } from "../../context.ts";
import { commit } from "../../db/commit.ts";
import { readPage, type SortOrder } from "../../db/keyset.ts";
import { fromReplica } from "../../db/replica.ts";
import { Id } from "../../fields.ts";
import { toUserWithRoles, type User, userWithRolesSelect } from "../public-user.ts";
import { visibleUsers } from "../reach.ts";

export const ExportQuery = z.strictObject({
  /** For platform accounts: one tenant's users. Without it, everybody's. */
  tenantId: Id.optional(),
});
export type ExportQuery = z.infer<typeof ExportQuery>;

const PAGE = 500;
const ORDER: SortOrder = { list: "export", column: "createdAt", type: "instant", direction: "asc" };

/**
 * All users that the caller sees, the oldest first, a page at a time: no more is held at once. However it ends, read to
 * the end or not, an audit row tells how many went out.
 */
export async function* exportUsers(
  ctx: AuthedContext,
  { tenantId }: ExportQuery,
): AsyncGenerator<User[], void> {
  const { principal } = ctx;
  const filter = { ...(tenantId !== undefined && { tenantId }), isDeleted: false };
  let count = 0;
  let complete = false;
  try {
    for (let cursor: string | undefined; !complete; ) {
      // A turn for each page, so that a reader who is slow keeps none.
      const page = await fromReplica(ctx, ({ pool, db }) =>
        pool.costly("export", () =>
          readPage(ORDER, { limit: PAGE, cursor }, ({ where, ...range }) =>
            db.user.findMany({
              where: { AND: [visibleUsers(ctx), filter, where] },
              ...range,
              select: userWithRolesSelect,
            }),
          ),
        ),
      );
      count += page.items.length;
      complete = page.nextCursor === null;
      cursor = page.nextCursor ?? undefined;
      yield page.items.map(toUserWithRoles);
    }
  } finally {
    await commit(ctx, (tx) =>
      recordAudit(tx, ctx, {
        action: "user.exported",
        resourceType: "user",
        tenantId: principal.tenantId ?? tenantId ?? null,
        details: { count, complete },
      }),
    );
  }
}
