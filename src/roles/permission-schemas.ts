import { z } from "zod";
import { line, text } from "../fields.ts";
import { APPLICATION_KEY, isApplications, OUR_NAMESPACE, PERMISSIONS } from "./permissions.ts";

/** As wide as the columns that hold it. */
const LONGEST_KEY = 64;

/**
 * One of these of Tenantry's own or, in form, one of an application's, which are looked up where it is used. Not an enum:
 * applications add to it while clients that were generated before go on.
 */
export function permissionOf(own: readonly string[]) {
  return text(LONGEST_KEY)
    .regex(/^[a-z][a-z0-9_-]*(:[a-z][a-z0-9_-]*){1,2}$/, {
      abort: true,
      error: "Not a permission: those are written user:read, or acme:invoice:approve",
    })
    .refine((key) => own.includes(key) || isApplications(key), {
      error: ({ input }) => whyNot(String(input)),
    })
    .meta({
      description: "One of Tenantry's own, or of an application's: see GET /v1/permissions",
      examples: ["user:read", "acme:invoice:approve"],
    });
}

function whyNot(key: string): string {
  if ((PERMISSIONS as readonly string[]).includes(key))
    return `${key} cannot be given here: see the guide to permissions`;
  return `There is no permission ${key}. Tenantry's own are listed by GET /v1/permissions; an application's have three parts, such as acme:${key}`;
}

const ApplicationKey = text(LONGEST_KEY)
  .regex(APPLICATION_KEY, {
    abort: true,
    error:
      "An application's permission has three parts, such as acme:invoice:approve, each of lower-case letters, digits, - and _, with a letter first. Two are Tenantry's own",
  })
  .refine((key) => !key.startsWith(OUR_NAMESPACE), {
    error: `The namespace ${OUR_NAMESPACE.slice(0, -1)} is kept free: take your application's name`,
  });

/** From narrow to wide: with each also the ones before it. */
export const LEVELS = ["super_admin", "owner", "admin", "member"] as const;
export type Level = (typeof LEVELS)[number];

const HeldFrom = z.enum(LEVELS).meta({
  description:
    "The system role from which up it is held, in every tenant: member, admin, owner. With super_admin no tenant's role holds it. Nobody gives what they do not hold, so owners are the first who may put it into a role",
});

export const DeclarePermissionInput = z
  .strictObject({
    key: ApplicationKey.meta({ examples: ["acme:invoice:approve"] }),
    description: line(255),
    heldFrom: HeldFrom.default("admin"),
  })
  .meta({ ref: "DeclarePermissionInput" });
export type DeclarePermissionInput = z.infer<typeof DeclarePermissionInput>;

export const ChangePermissionInput = z
  .strictObject({ description: line(255).optional(), heldFrom: HeldFrom.optional() })
  .refine((input) => Object.keys(input).length > 0, "Name at least one field")
  .meta({ ref: "ChangePermissionInput" });
export type ChangePermissionInput = z.infer<typeof ChangePermissionInput>;

export const Permission = z
  .object({
    key: z.string(),
    description: z.string(),
    application: z
      .boolean()
      .meta({ description: "Declared for an application; else one of Tenantry's own" }),
    heldFrom: HeldFrom,
    platform: z.boolean().meta({ description: "Runs the installation: no tenant's role has it" }),
  })
  .meta({ ref: "Permission" });
export type Permission = z.infer<typeof Permission>;

export const PermissionList = z
  .object({ items: z.array(Permission) })
  .meta({ ref: "PermissionList" });
export type PermissionList = z.infer<typeof PermissionList>;
