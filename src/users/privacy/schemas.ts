import { z } from "zod";
import { AuditRow } from "../../audit/list.ts";
import { Email, Timestamp } from "../../fields.ts";
import { sessionFields } from "../../sessions/list.ts";
import { Membership } from "../memberships.ts";
import { User } from "../public-user.ts";
import { Profile } from "../schemas.ts";

export const EraseInput = z
  .strictObject({
    /** The address of whom it is about, said again: there is no way back. */
    email: Email,
  })
  .meta({ ref: "EraseInput" });
export type EraseInput = z.infer<typeof EraseInput>;

const PersonalSession = z.object({
  id: z.uuid(),
  ...sessionFields,
  revokedAt: Timestamp.nullable(),
});

/** All that is stored about a person, but for secrets and their hashes. */
export const PersonalData = z
  .object({
    exportedAt: Timestamp,
    user: User,
    account: z
      .object({
        password: z.boolean().nullable(),
        failedLogIns: z.int().nullable(),
        lockedUntil: Timestamp.nullable(),
        deletedAt: Timestamp.nullable(),
        createdBy: z.uuid().nullable(),
      })
      .meta({
        description:
          "Of an account of the shared pool a tenant reads neither password nor failed log-ins (null), and no factors (empty)",
      }),
    memberships: z.array(Membership).meta({
      description:
        "The tenants that the account is in; for a tenant that reads nothing of the account empty",
    }),
    profile: Profile,
    roles: z.array(z.object({ name: z.string(), grantedAt: Timestamp })),
    sessions: z.array(PersonalSession),
    passkeys: z.array(
      z.object({ name: z.string(), createdAt: Timestamp, lastUsedAt: Timestamp.nullable() }),
    ),
    authenticatorApps: z.array(
      z.object({ createdAt: Timestamp, confirmedAt: Timestamp.nullable() }),
    ),
    recoveryCodes: z.array(z.object({ createdAt: Timestamp, usedAt: Timestamp.nullable() })),
    apiKeys: z.array(
      z.object({
        name: z.string(),
        prefix: z.string(),
        scopes: z.array(z.string()),
        createdAt: Timestamp,
        expiresAt: Timestamp.nullable(),
        lastUsedAt: Timestamp.nullable(),
        revokedAt: Timestamp.nullable(),
      }),
    ),
    invitations: z.array(
      z.object({
        email: z.string(),
        createdAt: Timestamp,
        expiresAt: Timestamp,
        acceptedAt: Timestamp.nullable(),
        revokedAt: Timestamp.nullable(),
      }),
    ),
    auditRows: z
      .array(AuditRow)
      .meta({ description: "What the person did, the latest first: the last five thousand rows" }),
    auditRowsComplete: z.boolean(),
  })
  .meta({ ref: "PersonalData" });
export type PersonalData = z.infer<typeof PersonalData>;
