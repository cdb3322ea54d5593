import { z } from "zod";
import { ACCEPTED_HASHES, isAcceptedHash } from "../crypto/imported-hash.ts";
import { PASSWORD_MAX_LENGTH } from "../crypto/password.ts";
import {
  Address,
  Email,
  Id,
  JsonObject,
  LanguageTag,
  line,
  PageQuery,
  Timestamp,
  text,
} from "../fields.ts";
import { User } from "./public-user.ts";

/**
 * Any text: what a password may be is a matter of policy (password-policy.ts), and how it is compared, of NFC. So is its
 * length: some keyboards type one character as up to four. As it was typed it stays, for hashes of systems that took it so.
 */
export const Password = text(4 * PASSWORD_MAX_LENGTH)
  .min(1)
  .refine(
    (password) => password.normalize("NFC").length <= 2 * PASSWORD_MAX_LENGTH,
    `May have at most ${PASSWORD_MAX_LENGTH} characters`,
  );

/** What another system stored. */
export const PasswordHash = text(255).refine(isAcceptedHash, ACCEPTED_HASHES);

export const CreateUserInput = z
  .strictObject({
    email: Email,
    password: Password.optional(),
    /** In place of the password: the hash that another system made of it. Needs the permission user:import. */
    passwordHash: PasswordHash.optional(),
    firstName: line(120).optional(),
    lastName: line(120).optional(),
    /** Without it: member. */
    roles: z.array(z.string().max(50)).max(20).optional(),
    /** For platform accounts only: the tenant that the user joins. Everybody else creates users in their own. */
    tenantId: Id.optional(),
  })
  .refine((input) => input.password === undefined || input.passwordHash === undefined, {
    path: ["passwordHash"],
    message: "Either password or passwordHash",
  })
  .meta({ ref: "CreateUserInput" });
export type CreateUserInput = z.infer<typeof CreateUserInput>;

export const UpdateUserInput = z
  .strictObject({
    email: Email.optional(),
    firstName: line(120).nullable().optional(),
    lastName: line(120).nullable().optional(),
    status: z.enum(["active", "disabled"]).optional(),
    roles: z.array(z.string().max(50)).max(20).optional(),
  })
  .refine((input) => Object.keys(input).length > 0, "Name at least one field")
  .meta({ ref: "UpdateUserInput" });
export type UpdateUserInput = z.infer<typeof UpdateUserInput>;

export const AssignRolesInput = z
  .strictObject({ roles: z.array(z.string().max(50)).max(20) })
  .meta({ ref: "AssignRolesInput" });

export const ListUsersQuery = PageQuery.extend({
  page: z.coerce.number().min(1).max(500).int().optional(),
  // Names that are there may be older than the rule for new ones: whatever is typed is looked for.
  search: text(200)
    .trim()
    .min(1)
    .max(100)
    .refine((words) => !/\p{Cc}/u.test(words), "May not hold control characters")
    .optional(),
  /** The whole address, as it is stored. */
  email: Address.optional(),
  status: z.enum(["active", "disabled"]).optional(),
  role: z.string().max(50).optional(),
  sort: z
    .enum(["createdAt", "-createdAt", "email", "-email", "lastName", "-lastName"])
    .default("-createdAt"),
  deleted: z.stringbool().default(false),
  tenantId: Id.optional(),
}).refine((query) => query.page === undefined || query.cursor === undefined, {
  path: ["page"],
  message: "Either page or cursor",
});
export type ListUsersQuery = z.infer<typeof ListUsersQuery>;

/** `page` and `total` are there when the request named a page. */
export const UserList = z
  .object({
    items: z.array(User),
    nextCursor: z.string().nullable(),
    page: z.int().optional(),
    total: z.int().optional(),
  })
  .meta({ ref: "UserList" });
export type UserList = z.infer<typeof UserList>;

/** Any IANA name, old ones too: browsers still report Asia/Calcutta. Offsets such as +01:00 are not names. */
const Timezone = text(64).transform((name, ctx) => {
  try {
    if (/^[A-Za-z]/.test(name))
      return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone;
  } catch {}
  ctx.addIssue({ code: "custom", message: "Must be an IANA time zone, such as Europe/Berlin" });
  return z.NEVER;
});

export const UpdateProfileInput = z
  .strictObject({
    phone: text(16).e164("In E.164 form, such as +4930123456").nullable().optional(),
    avatarUrl: text(500)
      .url({ protocol: /^https$/, normalize: true, error: "Must be an https URL" })
      // Normalised it may be longer.
      .max(500)
      .nullable()
      .optional(),
    timezone: Timezone.nullable().optional(),
    language: LanguageTag.nullable().optional(),
    preferences: JsonObject.optional(),
  })
  .refine((input) => Object.keys(input).length > 0, "Name at least one field")
  .meta({ ref: "UpdateProfileInput" });
export type UpdateProfileInput = z.infer<typeof UpdateProfileInput>;

export const Profile = z
  .object({
    userId: z.uuid(),
    phone: z.string().nullable(),
    avatarUrl: z.string().nullable(),
    timezone: z.string().nullable().meta({ description: "Null: not chosen, and so UTC" }),
    language: z.string().nullable().meta({
      description:
        "Null: not chosen. Mails are then in the tenant's, else in what the request asks for",
    }),
    preferences: z.record(z.string(), z.json()),
    updatedAt: Timestamp.nullable(),
  })
  .meta({ ref: "Profile" });
export type Profile = z.infer<typeof Profile>;
