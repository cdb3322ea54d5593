/** What every way to a session answers. */
import { z } from "zod";
import { SECOND_FACTORS } from "../factors/second-factors.ts";
import { Id, Timestamp } from "../fields.ts";
import { Tenant } from "../tenants/schemas.ts";
import { Membership } from "../users/memberships.ts";
import { User } from "../users/public-user.ts";

/** 43 characters of base64url. Nothing is said of the form: a token of the wrong form is a wrong token. */
export const RefreshInput = z
  .strictObject({
    /** Left out where it travels in the cookie. */
    refreshToken: z.string().min(1).max(512).optional(),
    /** For which of the account's tenants the access token is. Without it: the one that the session used last. */
    tenantId: Id.optional(),
  })
  .meta({ ref: "RefreshInput" });
export type RefreshInput = z.infer<typeof RefreshInput>;

/** Not the input of a refresh by name: client generators make a type of each. */
export const LogoutInput = z
  .strictObject({
    /** Ends its session, also when the access token is over or not there. The cookie does so too. */
    refreshToken: z.string().min(1).max(512).optional(),
  })
  .meta({ ref: "LogoutInput" });

export const TokenAnswer = z
  .object({
    accessToken: z.string(),
    tokenType: z.literal("Bearer"),
    expiresIn: z.int().meta({ description: "Seconds until the access token expires" }),
    refreshToken: z.string().optional().meta({ description: "Absent where it is in the cookie" }),
    deviceToken: z.string().optional().meta({
      description:
        "After a log-in that was asked for with Tenantry-Device-Token: keep it, and send it there at the next. Absent where it is in the cookie",
    }),
    user: User,
  })
  .meta({ ref: "TokenAnswer" });
export type TokenAnswer = z.infer<typeof TokenAnswer>;

/** The first factor was right, and there is a second one to show: POST /v1/auth/mfa/verify. */
export const MfaAnswer = z
  .object({
    mfaRequired: z.literal(true),
    mfaToken: z.string(),
    expiresIn: z.int().meta({ description: "Seconds until the log-in has to be begun again" }),
    methods: z.array(z.enum(SECOND_FACTORS)),
  })
  .meta({ ref: "MfaAnswer" });

/** All factors were shown, and the account belongs to several tenants: POST /v1/auth/select-tenant. */
export const TenantChoice = z
  .object({
    tenantSelection: z.array(Membership),
    selectionToken: z.string(),
    expiresIn: z.int().meta({ description: "Seconds until the log-in has to be begun again" }),
  })
  .meta({ ref: "TenantChoice" });
export type TenantChoice = z.infer<typeof TenantChoice>;

export const LoginAnswer = z
  .union([TokenAnswer, MfaAnswer, TenantChoice])
  .meta({ ref: "LoginAnswer" });
export type LoginAnswer = z.infer<typeof LoginAnswer>;

export const Me = z
  .object({
    user: User,
    tenant: Tenant.nullable(),
    roles: z.array(z.string()),
    permissions: z.array(z.string()),
    /** Who acts as the user, for a banner that says so; null when the user is there in person. */
    impersonation: z
      .object({
        by: z.object({ id: z.uuid(), email: z.string().nullable() }),
        reason: z.string(),
        expiresAt: Timestamp,
      })
      .nullable(),
  })
  .meta({ ref: "Me" });
export type Me = z.infer<typeof Me>;
