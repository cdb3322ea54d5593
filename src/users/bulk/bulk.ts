/** Many users in one request, each by the rules of its single route. */
import { z } from "zod";
import type { AuthedContext } from "../../context.ts";
import { hashedFor } from "../../crypto/password.ts";
import type { Transaction } from "../../db/client.ts";
import { commit } from "../../db/commit.ts";
import { toApiError } from "../../db/failures.ts";
import { isId } from "../../db/id.ts";
import { withDeleted } from "../../db/scope.ts";
import { beginLong } from "../../db/tenant-locks.ts";
import { ApiError, type ItemOutcome, PermissionError, ValidationError } from "../../errors.ts";
import { toFieldErrors } from "../../faults.ts";
import type { PermissionKey } from "../../roles/permissions.ts";
import { assertStillAllowed, assertStillAllowedIn } from "../../sessions/still-allowed.ts";
import { countNewUsers, createCounted } from "../create.ts";
import { CreateUserInput, UpdateUserInput } from "../schemas.ts";
import { deleteUser, restoreUser, updateUser } from "../update.ts";
import type { BulkInput } from "./schemas.ts";

type Item = BulkInput["items"][number];
type Operation = {
  permission: PermissionKey;
  /** Does it, and answers the user's id. */
  apply(ctx: AuthedContext, item: Item): Promise<string>;
};

/** Five hundred items take three seconds on a busy machine. Nobody waits for it longer (db/tenant-locks.ts). */
export const TIMEOUT_MILLIS = 20_000;

const OnlyId = z.strictObject({});
const Id = z.object({ id: z.string().max(50).toLowerCase() });

const OPERATIONS: Record<BulkInput["operation"], Operation> = {
  create: {
    permission: "user:create",
    apply: async (ctx, item) => (await createCounted(ctx, parse(CreateUserInput, item))).id,
  },
  update: {
    permission: "user:update",
    apply: async (ctx, item) => {
      const { id, rest } = split(item);
      return (await updateUser(ctx, id, parse(UpdateUserInput, rest))).id;
    },
  },
  delete: {
    permission: "user:delete",
    apply: async (ctx, item) => {
      const { id, rest } = split(item);
      parse(OnlyId, rest);
      await deleteUser(ctx, id);
      return id;
    },
  },
  restore: {
    permission: "user:restore",
    apply: async (ctx, item) => {
      const { id, rest } = split(item);
      parse(OnlyId, rest);
      return (await restoreUser(ctx, id)).id;
    },
  },
};

/**
 * Applies one operation to each item, in order; not atomic, each in a transaction of its own.
 * @throws PermissionError without the operation's permission; when it is atomic ApiError `nothing_written` where an item
 * fails, with what is wrong with each, and `overloaded` when it gave way to a change of the tenant or of its people, or too
 * many wait; `rate_limited`.
 */
export async function changeUsers(
  ctx: AuthedContext,
  { operation, items, atomic }: BulkInput,
): Promise<ItemOutcome[]> {
  const { permission, apply } = OPERATIONS[operation];
  if (!ctx.principal.permissions.has(permission))
    throw new PermissionError(`This needs the permission ${permission}.`);
  if (operation === "create") await countNewUsers(ctx, items);
  // One of a tenant at a time, as those that are atomic: many at once would be many cores.
  if (!atomic)
    return ctx.pool.costly("write", () =>
      applyEach(ctx, items, async (ctx, item) => {
        await assertStillAllowed(ctx, permission);
        return apply(ctx, item);
      }),
    );

  const passwords = await hashAhead(ctx, operation === "create" ? items : []);
  return ctx.turns.longWrites.run(ctx.principal.tenantId, () =>
    changeAll({ ...ctx, passwords }, items, OPERATIONS[operation]),
  );
}

async function changeAll(
  ctx: AuthedContext,
  items: Item[],
  { permission, apply }: Operation,
): Promise<ItemOutcome[]> {
  return commit(
    ctx,
    async (tx) => {
      const giveWay = await beginLong(tx, await tenantsOf(tx, ctx, items));
      await assertStillAllowedIn(tx, ctx, permission);
      await lockInOrder(tx, ctx, items);
      const outcomes = await applyEach({ ...ctx, db: tx }, items, apply, giveWay);
      const failed = outcomes.filter(({ error }) => error);
      if (failed.length > 0)
        throw new ApiError(
          "nothing_written",
          `${failed.length} of ${items.length} items cannot be done: see results.`,
          { results: failed },
        );
      return outcomes;
    },
    { timeout: TIMEOUT_MILLIS },
  );
}

async function applyEach(
  ctx: AuthedContext,
  items: Item[],
  apply: Operation["apply"],
  /** What it throws ends the whole. */
  between: () => Promise<void> = async () => {},
): Promise<ItemOutcome[]> {
  const outcomes: ItemOutcome[] = [];
  // One after the other: a request with many items takes no more of the pool, or of the cores, than one with a single.
  for (const [index, item] of items.entries()) {
    await between();
    try {
      outcomes.push({ index, id: await apply(ctx, item) });
    } catch (err) {
      outcomes.push({ index, error: toItemError(ctx, err) });
    }
  }
  return outcomes;
}

/** What was done before stays done and must be told, so not even our own fault ends the whole. */
function toItemError({ log, origin: { requestId } }: AuthedContext, thrown: unknown): ApiError {
  const err = toApiError(thrown);
  if (err.code === "internal_error") log("error", err.code, { requestId, error: thrown });
  return err;
}

/** The tenants in which the items do something: the caller's own, or those that a platform account names. */
async function tenantsOf(
  tx: Transaction,
  { principal: { tenantId: own } }: AuthedContext,
  items: Item[],
): Promise<(string | null)[]> {
  if (own !== null) return [own];
  const users = await withDeleted(() =>
    tx.user.findMany({
      where: { id: { in: idsOf(items) } },
      select: { tenantId: true },
      distinct: ["tenantId"],
    }),
  );
  const named = items.flatMap(({ tenantId: id }) =>
    typeof id === "string" && isId(id) ? [id] : [],
  );
  return [...users.map(({ tenantId }) => tenantId), ...named];
}

/**
 * Users are locked by id, and their accounts before, as everywhere: so of two requests with the same users in another order none
 * waits for the other for ever.
 */
async function lockInOrder(tx: Transaction, ctx: AuthedContext, items: Item[]): Promise<void> {
  const ids = idsOf(items);
  if (ids.length === 0) return;
  const own = ctx.principal.tenantId;
  await tx.$executeRaw`
    SELECT lock_account(id, ${own}::uuid) FROM (
      SELECT id FROM users WHERE id = ANY(${ids}::uuid[]) AND (${own}::uuid IS NULL OR tenant_id = ${own}::uuid)
      ORDER BY id) AS ordered`;
  await tx.$queryRaw`
    SELECT FROM users WHERE id = ANY(${ids}::uuid[]) AND (${own}::uuid IS NULL OR tenant_id = ${own}::uuid)
    ORDER BY id FOR UPDATE`;
}

/** Hashes what will be asked for, one at a time and before there are locks that others wait for. */
async function hashAhead(ctx: AuthedContext, items: Item[]): Promise<AuthedContext["passwords"]> {
  const ready = new Map<string, string[]>();
  for (const item of items) {
    const { success, data } = CreateUserInput.safeParse(item);
    if (!success || data.password === undefined) continue;
    // A hash for each: the same password of two users must not look the same.
    const hashes = ready.get(data.password) ?? [];
    ready.set(data.password, [...hashes, await ctx.passwords.hash(data.password, hashedFor(ctx))]);
  }
  return {
    ...ctx.passwords,
    hash: async (password, who) =>
      ready.get(password)?.shift() ?? ctx.passwords.hash(password, who),
  };
}

function idsOf(items: Item[]): string[] {
  return items.flatMap(({ id }) => (typeof id === "string" && isId(id) ? [id] : []));
}

function split(item: Item): { id: string; rest: Item } {
  const { id } = parse(Id, item);
  return { id, rest: Object.fromEntries(Object.entries(item).filter(([name]) => name !== "id")) };
}

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const { success, data, error } = schema.safeParse(value);
  if (!success) throw new ValidationError(toFieldErrors(error.issues));
  return data;
}
