/** What has to be quick, by the product's own functions. The times are those that four guides promise at 100,000 users. */
import { listAuditLogs } from "../../audit/list.ts";
import { findAccount } from "../../auth/account.ts";
import type { AuthedContext } from "../../context.ts";
import { transaction } from "../../db/commit.ts";
import { newId } from "../../db/id.ts";
import { acrossTenants, inTenant } from "../../db/scope.ts";
import { createCounted } from "../../users/create.ts";
import { listUsers } from "../../users/read.ts";
import { ListUsersQuery } from "../../users/schemas.ts";
import type { Sample } from "./sample.ts";

export type Target = {
  what: string;
  /** Milliseconds within which it has to be done. */
  within: number;
  /** Whose rows it may touch, as PostgreSQL is told. */
  scope: string;
  /** Null for what no index knows: all rows of the tenant are read once. */
  indexed: boolean;
  /** It changes rows, and so is explained once and taken back. */
  writes?: true;
  /** @param run which time it is: each has other values. */
  run(ctx: AuthedContext, run: number): Promise<unknown>;
};

export const CONNECTIONS = 50;

/** Thrown by a transaction that is not to leave anything. */
class TakenBack extends Error {}

export function targetsFor(sample: Sample): Target[] {
  const { tenantId } = sample;
  const of = (run: number) => sample.emails[run % sample.emails.length] ?? "";
  const users = (query: Record<string, unknown>) => (ctx: AuthedContext) =>
    inTenant(tenantId, () => listUsers(ctx, ListUsersQuery.parse(query)));
  const audit = (filter: Record<string, unknown>) => (ctx: AuthedContext) =>
    inTenant(tenantId, () => listAuditLogs(ctx, { limit: 20, ...filter }));
  const own = { scope: tenantId, indexed: true };
  return [
    {
      ...{ what: "an account by its address", within: 10, scope: "platform", indexed: true },
      run: (ctx, run) => acrossTenants(() => findAccount(ctx, { email: of(run) })),
    },
    { what: "the first page of users", within: 50, ...own, run: users({ limit: 20 }) },
    {
      ...{ what: "a page from the middle", within: 50, ...own },
      run: users({ limit: 20, ...(sample.cursor && { cursor: sample.cursor }) }),
    },
    {
      ...{ what: "users by status", within: 30, ...own },
      run: users({ limit: 20, status: "active" }),
    },
    {
      ...{ what: "a user made (and taken back)", within: 100, ...own, writes: true },
      run: (ctx) => createAndTakeBack(ctx, tenantId),
    },
    {
      ...{ what: "a search by words", within: 200, ...own },
      run: (ctx, run) => users({ limit: 20, search: of(run).split("@")[0] })(ctx),
    },
    {
      ...{ what: "search, filters, order and total", within: 200, ...own, indexed: false },
      run: (ctx, run) =>
        users({
          ...{ limit: 20, page: 1, sort: "lastName", status: "active", role: "member" },
          search: of(run).slice(0, 5),
        })(ctx),
    },
    { what: "what one person did", within: 100, ...own, run: audit({ actorId: sample.actorId }) },
    {
      ...{ what: "what happened to one thing", within: 100, ...own },
      run: audit({ resourceType: sample.resourceType, resourceId: sample.resourceId }),
    },
  ];
}

/** No job of it is seen by an instance: it is part of the transaction. */
async function createAndTakeBack(ctx: AuthedContext, tenantId: string): Promise<void> {
  const email = `performance-${newId()}@performance.invalid`;
  try {
    await inTenant(tenantId, () =>
      transaction(ctx.db, async (tx) => {
        await createCounted({ ...ctx, db: tx }, { email, firstName: "Performance" });
        throw new TakenBack();
      }),
    );
  } catch (error) {
    if (!(error instanceof TakenBack)) throw error;
  }
}
