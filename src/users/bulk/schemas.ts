import { z } from "zod";

const MOST_ITEMS = 500;

export const BulkInput = z
  .strictObject({
    operation: z.enum(["create", "update", "delete", "restore"]),
    /** Checked one by one, as the route for a single user checks them: one that is not valid stops no other. */
    items: z.array(z.record(z.string(), z.unknown())).min(1).max(MOST_ITEMS).meta({
      description:
        "create: CreateUserInput; update: the id and UpdateUserInput; delete and restore: the id",
    }),
    /** All or nothing. */
    atomic: z.boolean().default(false),
  })
  .meta({ ref: "BulkInput" });
export type BulkInput = z.infer<typeof BulkInput>;

export const BulkResult = z
  .object({
    results: z.array(
      z.object({
        index: z.int(),
        status: z.int().meta({ description: "What the single request would have been answered" }),
        id: z.uuid().optional(),
        error: z
          .object({
            code: z.string(),
            detail: z.string(),
            errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
          })
          .optional(),
      }),
    ),
    succeeded: z.int(),
    failed: z.int(),
  })
  .meta({ ref: "BulkResult" });
export type BulkResult = z.infer<typeof BulkResult>;
