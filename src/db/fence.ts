/**
 * The first fence of tenant isolation: a Prisma extension that adds the tenant of the scope (scope.ts), and "not deleted",
 * to every query of a model that has them. Row-level security stands below it and also fences nested and raw queries.
 */
import { Prisma } from "../../generated/prisma/client.ts";
import { deletedToo, scopedTenant } from "./scope.ts";

type Args = { where?: Record<string, unknown>; data?: unknown; create?: unknown };

/** Rows of these that belong to no tenant are every tenant's to read. */
const SHARED_WITH_ALL: readonly string[] = ["Role", "RolePermission"];
const WRITES = /^(update|delete|upsert)/;

export const tenantFence = Prisma.defineExtension({
  name: "tenant fence",
  query: {
    $allModels: {
      $allOperations({ model, operation, args, query }) {
        return query(fenced(model, operation, args as Args) as typeof args);
      },
    },
  },
});

/**
 * The arguments with the fence around them.
 * @throws Error for a row that would be made in another tenant, and for `findUnique`: Prisma gathers the calls of one
 * moment into one query, so one request would ask in the scope of another.
 */
function fenced(model: Prisma.ModelName, operation: string, args: Args): Args {
  const owned = model === "Tenant" || has(model, "tenantId");
  if (owned && operation.startsWith("findUnique"))
    throw new Error(`${model}.${operation} is batched across requests: use findFirst`);
  const tenantId = scopedTenant();
  const made = [args.create ?? (operation.startsWith("create") ? args.data : [])].flat();
  if (tenantId !== null && has(model, "tenantId"))
    for (const row of made) assertOwn(model, tenantId, row);
  if (operation.startsWith("create")) return args;

  const conditions = [...ownRows(model, operation, tenantId), ...liveRows(model, args.where)];
  if (conditions.length === 0) return args;
  return { ...args, where: { ...args.where, AND: [args.where?.AND ?? [], conditions].flat(2) } };
}

function ownRows(
  model: Prisma.ModelName,
  operation: string,
  tenantId: string | null,
): Record<string, unknown>[] {
  if (tenantId === null) return [];
  if (model === "Tenant") return [{ id: tenantId }];
  if (!has(model, "tenantId")) return [];
  const own = { tenantId };
  if (WRITES.test(operation) || !SHARED_WITH_ALL.includes(model)) return [own];
  return [{ OR: [own, { tenantId: null }] }];
}

/** Nothing is added where the caller speaks of deleted rows, or said that they count too. */
function liveRows(model: Prisma.ModelName, where: unknown): Record<string, unknown>[] {
  if (!has(model, "isDeleted") || deletedToo() || mentions(where, "isDeleted")) return [];
  return [{ isDeleted: false }];
}

function has(model: Prisma.ModelName, field: string): boolean {
  return field in Prisma[`${model}ScalarFieldEnum`];
}

function mentions(value: unknown, field: string): boolean {
  if (Array.isArray(value)) return value.some((each) => mentions(each, field));
  if (typeof value !== "object" || value === null || value instanceof Date) return false;
  return Object.entries(value).some(([key, inner]) => key === field || mentions(inner, field));
}

function assertOwn(model: string, tenantId: string, row: unknown): void {
  const given = (row as { tenantId?: unknown } | undefined)?.tenantId;
  if (given !== tenantId) throw new Error(`a ${model} of another tenant may not be made here`);
}
