import { z } from "zod";
import type { Prisma } from "../../generated/prisma/client.ts";
import { Id, line, PageQuery, pageOf, Timestamp } from "../fields.ts";
import { permissionOf } from "../roles/permission-schemas.ts";
import { PERMISSIONS } from "../roles/permissions.ts";

const LONGEST_DAYS = 365;
const DEFAULT_DAYS = 90;

/** A key is made by a person alone, so this permission in one would be an empty promise. */
const SCOPES = PERMISSIONS.filter((permission) => permission !== "api_key:create");
const MOST_SCOPES = 100;

export const CreateApiKeyInput = z
  .strictObject({
    name: line(120),
    /** What the key may do, as far as its user may. */
    scopes: z
      .array(permissionOf(SCOPES))
      .min(1)
      .max(MOST_SCOPES)
      .transform((scopes) => [...new Set(scopes)]),
    /** Null: it never expires, which only the key of a service account may. */
    expiresInDays: z.int().min(1).max(LONGEST_DAYS).nullable().default(DEFAULT_DAYS),
    /** Whose key it is. Without it: the caller's. */
    userId: Id.optional(),
  })
  .meta({ ref: "CreateApiKeyInput" });
export type CreateApiKeyInput = z.infer<typeof CreateApiKeyInput>;

const fields = {
  id: z.uuid(),
  userId: z.uuid(),
  tenantId: z.uuid().nullable(),
  name: z.string(),
  /** The beginning of the key, to tell it by. */
  prefix: z.string(),
  scopes: z.array(z.string()),
  expiresAt: Timestamp.nullable(),
  lastUsedAt: Timestamp.nullable(),
  createdBy: z.uuid().nullable(),
  createdAt: Timestamp,
};

export const ApiKey = z.object(fields).meta({ ref: "ApiKey" });
export type ApiKey = z.infer<typeof ApiKey>;

export const CreatedApiKey = z
  .object({
    ...fields,
    key: z.string().meta({ description: "The key itself: shown this once and never again" }),
  })
  .meta({ ref: "CreatedApiKey" });
export type CreatedApiKey = z.infer<typeof CreatedApiKey>;

export const ApiKeyPage = pageOf(ApiKey, "ApiKeyPage");

export const ListApiKeysQuery = PageQuery.extend({ userId: Id.optional() });
export type ListApiKeysQuery = z.infer<typeof ListApiKeysQuery>;

/** The columns behind `ApiKey`. The hash is not among them. */
export const apiKeySelect = {
  id: true,
  userId: true,
  tenantId: true,
  name: true,
  prefix: true,
  scopes: true,
  expiresAt: true,
  lastUsedAt: true,
  createdBy: true,
  createdAt: true,
} satisfies Prisma.ApiKeySelect;

type ApiKeyRow = Prisma.ApiKeyGetPayload<{ select: typeof apiKeySelect }>;

export function toApiKey(row: ApiKeyRow): ApiKey {
  return {
    id: row.id,
    userId: row.userId,
    tenantId: row.tenantId,
    name: row.name,
    prefix: row.prefix,
    scopes: row.scopes,
    expiresAt: row.expiresAt?.toISOString() ?? null,
    lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
    createdBy: row.createdBy,
    createdAt: row.createdAt.toISOString(),
  };
}
