import { z } from "zod";
import { Email, Id, line, text } from "../../fields.ts";
import { PasswordHash } from "../schemas.ts";
import { LEFT_ASIDE } from "./columns.ts";

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
 * counts: platform accounts, and tenants with addresses of their own (EMAIL_SCOPE=tenant). What an export has besides is
 * taken and left aside, so that an export is an import.
 */
export const ImportRow = z
  .strictObject({
    ...Object.fromEntries(LEFT_ASIDE.map((name) => [name, z.unknown().optional()])),
    email: Email,
    firstName: line(120).nullish(),
    lastName: line(120).nullish(),
    roles: z.array(z.string().max(50)).max(20).optional(),
    passwordHash: PasswordHash.nullish(),
    emailVerified: z.boolean().optional(),
    /** Of an export. A spreadsheet may have written it anew, so what counts is that it is there. */
    emailVerifiedAt: text(64).nullish(),
    status: z.enum(["active", "disabled"]).default("active"),
  })
  .transform(({ email, firstName, lastName, roles, passwordHash, status, ...given }) => ({
    email,
    firstName: firstName ?? null,
    lastName: lastName ?? null,
    roles,
    passwordHash: passwordHash ?? null,
    status,
    emailVerified: given.emailVerified ?? Boolean(given.emailVerifiedAt),
  }));
export type ImportRow = z.infer<typeof ImportRow>;

/** As people type them, and as spreadsheets write them in the languages of their users. */
const Truth = text(20).pipe(
  z.stringbool({
    truthy: [
      "true",
      "1",
      "yes",
      "y",
      "on",
      "x",
      "wahr",
      "ja",
      "vrai",
      "oui",
      "verdadero",
      "vero",
      "verdadeiro",
      "waar",
      "prawda",
    ],
    falsy: [
      "false",
      "0",
      "no",
      "n",
      "off",
      "falsch",
      "nein",
      "faux",
      "non",
      "falso",
      "onwaar",
      "fałsz",
    ],
    error: "Must be true or false",
  }),
);

/** In CSV all is text: roles are separated by semicolons or commas. */
export const ImportTextRow = z
  .looseObject({
    // Twenty names of fifty characters, and what separates them.
    roles: text(1100)
      .transform((names) =>
        names
          .split(/[;,]/)
          .map((name) => name.trim())
          .filter((name) => name !== ""),
      )
      .optional(),
    emailVerified: Truth.optional(),
    status: text(20)
      .toLowerCase()
      .pipe(z.enum(["active", "disabled"]))
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
