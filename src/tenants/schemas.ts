import { z } from "zod";
import type { Prisma } from "../../generated/prisma/client.ts";
import { JsonObject, line, PageQuery, Slug, Timestamp } from "../fields.ts";

export const Tenant = z
  .object({
    id: z.uuid(),
    slug: z.string(),
    name: z.string(),
    status: z.enum(["active", "suspended"]),
    settings: z.record(z.string(), z.json()),
    createdAt: Timestamp,
    updatedAt: Timestamp,
    version: z.int(),
  })
  .meta({ ref: "Tenant" });
export type Tenant = z.infer<typeof Tenant>;

export const tenantSelect = {
  id: true,
  slug: true,
  name: true,
  status: true,
  settings: true,
  createdAt: true,
  updatedAt: true,
  version: true,
} satisfies Prisma.TenantSelect;

export type TenantRow = Prisma.TenantGetPayload<{ select: typeof tenantSelect }>;

export function toTenant(row: TenantRow): Tenant {
  return {
    id: row.id,
    slug: row.slug,
    name: row.name,
    status: row.status,
    // The CHECK tenants_settings_check holds the column to objects.
    settings: row.settings as Tenant["settings"],
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    version: row.version,
  };
}

export const CreateTenantInput = z
  .strictObject({
    name: line(120),
    slug: Slug,
    settings: JsonObject.optional(),
  })
  .meta({ ref: "CreateTenantInput" });
export type CreateTenantInput = z.infer<typeof CreateTenantInput>;

export const UpdateTenantInput = z
  .strictObject({
    name: line(120).optional(),
    slug: Slug.optional(),
    settings: JsonObject.optional(),
  })
  .refine((input) => Object.keys(input).length > 0, "Name at least one field")
  .meta({ ref: "UpdateTenantInput" });
export type UpdateTenantInput = z.infer<typeof UpdateTenantInput>;

export const ListTenantsQuery = PageQuery.extend({
  search: line(100).optional(),
  status: z.enum(["active", "suspended"]).optional(),
});
export type ListTenantsQuery = z.infer<typeof ListTenantsQuery>;
