import { z } from "zod";
import { AppCode, RecoveryCode } from "../../factors/schemas.ts";
import { PasskeyAssertion } from "../../factors/webauthn-schemas.ts";
import { Email, Id, Slug } from "../../fields.ts";
import { Password } from "../../users/schemas.ts";
import { ByCode, ByToken, Token } from "../mails/schemas.ts";

export const LoginInput = z
  .strictObject({
    email: Email,
    password: Password,
    /** The tenant's slug: goes straight there. Needed for a tenant whose accounts are its own (`userPool: "isolated"`). */
    tenant: Slug.optional(),
  })
  .meta({ ref: "LoginInput" });
export type LoginInput = z.infer<typeof LoginInput>;

/** By the link's token, or by the code where the mail was asked for. */
export const MagicLinkInput = z.union([ByToken, ByCode]).meta({ ref: "MagicLinkInput" });
export type MagicLinkInput = z.infer<typeof MagicLinkInput>;

export const PasskeyLoginInput = z
  .strictObject({ response: PasskeyAssertion })
  .meta({ ref: "PasskeyLoginInput" });
export type PasskeyLoginInput = z.infer<typeof PasskeyLoginInput>;

/** Nothing is said of the form: a token of the wrong form is a wrong token. */
const MfaToken = z.string().min(1).max(512);

export const MfaTokenInput = z.strictObject({ mfaToken: MfaToken }).meta({ ref: "MfaTokenInput" });
export type MfaTokenInput = z.infer<typeof MfaTokenInput>;

export const VerifyMfaInput = z
  .discriminatedUnion("method", [
    z.strictObject({ mfaToken: MfaToken, method: z.literal("totp"), code: AppCode }),
    z.strictObject({ mfaToken: MfaToken, method: z.literal("recovery_code"), code: RecoveryCode }),
    z.strictObject({
      mfaToken: MfaToken,
      method: z.literal("passkey"),
      response: PasskeyAssertion,
    }),
  ])
  .meta({ ref: "VerifyMfaInput" });
export type VerifyMfaInput = z.infer<typeof VerifyMfaInput>;

export const ReauthenticateInput = z
  .union([z.strictObject({ password: Password }), z.strictObject({ response: PasskeyAssertion })])
  .meta({ ref: "ReauthenticateInput" });
export type ReauthenticateInput = z.infer<typeof ReauthenticateInput>;

export const UnlockInput = ByToken.meta({ ref: "UnlockInput" });
export type UnlockInput = z.infer<typeof UnlockInput>;

export const SelectTenantInput = z
  .strictObject({ selectionToken: Token, tenantId: Id })
  .meta({ ref: "SelectTenantInput" });
export type SelectTenantInput = z.infer<typeof SelectTenantInput>;
