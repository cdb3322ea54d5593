import { z } from "zod";
import { Id, line, PageQuery, pageOf, Timestamp } from "../fields.ts";
import type { User } from "../users/public-user.ts";

const RoleNames = z.array(z.string().max(50)).max(20);

export const CreateServiceAccountInput = z
  .strictObject({
    name: line(120),
    /** Without it: none, and so no rights. */
    roles: RoleNames.optional(),
    /** For platform accounts only: the tenant that it belongs to. Everybody else creates them in their own. */
    tenantId: Id.optional(),
  })
  .meta({ ref: "CreateServiceAccountInput" });
export type CreateServiceAccountInput = z.infer<typeof CreateServiceAccountInput>;

export const UpdateServiceAccountInput = z
  .strictObject({
    name: line(120).optional(),
    status: z.enum(["active", "disabled"]).optional(),
    roles: RoleNames.optional(),
  })
  .refine((input) => Object.keys(input).length > 0, "Name at least one field")
  .meta({ ref: "UpdateServiceAccountInput" });
export type UpdateServiceAccountInput = z.infer<typeof UpdateServiceAccountInput>;

export const ListServiceAccountsQuery = PageQuery.extend({
  /** For platform accounts; everybody else sees those of their own tenant. */
  tenantId: Id.optional(),
});
export type ListServiceAccountsQuery = z.infer<typeof ListServiceAccountsQuery>;

export const ServiceAccount = z
  .object({
    id: z.uuid(),
    tenantId: z.uuid().nullable(),
    name: z.string(),
    status: z.enum(["active", "disabled"]),
    roles: z.array(z.string()),
    createdAt: Timestamp,
    updatedAt: Timestamp,
    version: z.int(),
  })
  .meta({ ref: "ServiceAccount" });
export type ServiceAccount = z.infer<typeof ServiceAccount>;

export const ServiceAccountPage = pageOf(ServiceAccount, "ServiceAccountPage");

/** A service account is a user whose first name is its whole name. */
export function toServiceAccount({
  id,
  tenantId,
  firstName,
  status,
  roles,
  ...dates
}: User): ServiceAccount {
  const { createdAt, updatedAt, version } = dates;
  return { id, tenantId, name: firstName ?? "", status, roles, createdAt, updatedAt, version };
}
