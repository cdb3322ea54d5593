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
    roles: z.array(z.string().max(50)).max(20).nullish(),
    passwordHash: PasswordHash.nullish(),
    emailVerified: z.boolean().nullish(),
    /** Of an export. A spreadsheet may have written it anew, so what counts is that it is there. */
    emailVerifiedAt: text(64).nullish(),
    status: z.enum(["active", "disabled"]).nullish(),
  })
  .transform(({ email, firstName, lastName, roles, passwordHash, status, ...given }) => ({
    email,
    firstName: firstName ?? null,
    lastName: lastName ?? null,
    roles: roles ?? undefined,
    passwordHash: passwordHash ?? null,
    status: status ?? ("active" as const),
    emailVerified: given.emailVerified ?? Boolean(given.emailVerifiedAt),
  }));
export type ImportRow = z.infer<typeof ImportRow>;

/**
 * As people type them, as databases write them (`t` and `f` are PostgreSQL's), and as spreadsheets do in the languages of their
 * users.
 */
const TRUE =
  "true t 1 yes y on x wahr ja vrai oui verdadero sí si vero verdadeiro sim waar prawda tak pravda ano sant sand sann tosi igaz adevărat doğru αληθες истина да істина так 真 是 참";
const FALSE =
  "false f 0 no n off falsch nein faux non falso não onwaar nee fałsz nie nepravda ne falskt falsk usann epätosi hamis fals yanliş yanlış ψευδες ложь нет хибність ні 假 否 거짓";

const Truth = text(20).pipe(
  z.stringbool({
    truthy: TRUE.split(" "),
    falsy: FALSE.split(" "),
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
          // Spreadsheets begin a cell with a capital; no role has one.
          .map((name) => name.trim().toLowerCase())
          .filter((name) => name !== ""),
      )
      .nullish(),
    emailVerified: Truth.nullish(),
    status: text(20)
      .toLowerCase()
      .pipe(z.enum(["active", "disabled"]))
      .nullish(),
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
