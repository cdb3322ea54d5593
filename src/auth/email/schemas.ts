import { z } from "zod";
import { Email, Slug, text } from "../../fields.ts";
import { Password } from "../../users/schemas.ts";

/** Nothing is said of a token's form: one of the wrong form is a wrong one. */
const Token = z.string().min(1).max(512);
const Code = text(64)
  .transform((code) => code.replace(/[\s-]/g, ""))
  .pipe(text(64).regex(/^[0-9]{6}$/, "Six digits"));

/** An address, and in installations where addresses are unique per tenant, the tenant's slug. */
export const AddressInput = z
  .strictObject({ email: Email, tenant: Slug.optional() })
  .meta({ ref: "AddressInput" });
export type AddressInput = z.infer<typeof AddressInput>;

/** What a mail was asked for with: its six digits count together with this alone. */
export const ChallengeAnswer = z
  .object({
    challengeId: z.string().meta({ description: "Secret: keep it where the code will be typed" }),
    expiresIn: z.int().meta({ description: "Seconds that the code is good for" }),
  })
  .meta({ ref: "ChallengeAnswer" });
export type ChallengeAnswer = z.infer<typeof ChallengeAnswer>;

const ByToken = z.strictObject({ token: Token });
const ByCode = z.strictObject({ challengeId: Token, code: Code });

/** By the link's token, or by the code where the mail was asked for. */
export const MagicLinkInput = z.union([ByToken, ByCode]).meta({ ref: "MagicLinkInput" });
export type MagicLinkInput = z.infer<typeof MagicLinkInput>;

/**
 * By the code where the registration was begun, or by the link's token with the password: the owner of an address must
 * not complete what a stranger began with it (GHSA-qq9h-g4jm-xgf3).
 */
export const CompleteRegistrationInput = z
  .union([z.strictObject({ token: Token, password: Password }), ByCode])
  .meta({ ref: "CompleteRegistrationInput" });
export type CompleteRegistrationInput = z.infer<typeof CompleteRegistrationInput>;

export const ResetPasswordInput = z
  .strictObject({ token: Token, newPassword: Password })
  .meta({ ref: "ResetPasswordInput" });
export type ResetPasswordInput = z.infer<typeof ResetPasswordInput>;

export const ChangeEmailInput = z.strictObject({ email: Email }).meta({ ref: "ChangeEmailInput" });
export type ChangeEmailInput = z.infer<typeof ChangeEmailInput>;

export const VerifyEmailInput = z
  .union([ByToken, z.strictObject({ code: Code })])
  .meta({ ref: "VerifyEmailInput" });
export type VerifyEmailInput = z.infer<typeof VerifyEmailInput>;

export const ChangeByLinkInput = ByToken.meta({ ref: "ChangeByLinkInput" });
export type ChangeByLinkInput = z.infer<typeof ChangeByLinkInput>;

export const UnlockInput = ByToken.meta({ ref: "UnlockInput" });
export type UnlockInput = z.infer<typeof UnlockInput>;

export const CodeSent = z
  .object({ expiresIn: z.int().meta({ description: "Seconds that the code is good for" }) })
  .meta({ ref: "CodeSent" });
