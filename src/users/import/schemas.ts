import { z } from "zod";
import { Email, Id, line, text } from "../../fields.ts";
import { PasswordHash } from "../schemas.ts";

export const ImportQuery = z.strictObject({
  /** Looks at everything and writes nothing. */
  dryRun: z.stringbool().default(false),
  /** All or nothing; else what is valid is written. */
  atomic: z.stringbool().default(false),
  /** For platform accounts: the tenant that the users join. */
  tenantId: Id.optional(),
});
export type ImportQuery = z.infer<typeof ImportQuery>;

/**
 * One user. Unlike `CreateUserInput` it takes the other system's word that an address was verified, from those whose word
 * counts: platform accounts, and tenants with addresses of their own (EMAIL_SCOPE=tenant).
 */
export const ImportRow = z.strictObject({
  email: Email,
  firstName: line(120).optional(),
  lastName: line(120).optional(),
  roles: z.array(z.string().max(50)).max(20).optional(),
  passwordHash: PasswordHash.optional(),
  emailVerified: z.boolean().default(false),
});
export type ImportRow = z.infer<typeof ImportRow>;

/** In CSV all is text: roles are separated by semicolons. */
export const ImportTextRow = z
  .looseObject({
    // Twenty names of fifty characters, and what separates them.
    roles: text(1100)
      .transform((names) => names.split(";").map((name) => name.trim()))
      .optional(),
    emailVerified: z
      .enum(["true", "false"])
      .transform((text) => text === "true")
      .optional(),
  })
  .pipe(ImportRow);

export const ImportReport = z
  .object({
    dryRun: z.boolean(),
    rows: z.int(),
    created: z.int().meta({ description: "In a dry run: how many would be" }),
    failed: z.int(),
    unproved: z.int().meta({
      description:
        "Of those created: how many said emailVerified and were not believed. Where addresses are shared by all tenants, only a platform account's import proves one",
    }),
    errors: z
      .array(z.object({ line: z.int(), field: z.string(), message: z.string() }))
      .meta({ description: "The first hundred" }),
  })
  .meta({ ref: "ImportReport" });
export type ImportReport = z.infer<typeof ImportReport>;
