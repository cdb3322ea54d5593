/** What is asked for by mail, and how it is shown again. */
import { z } from "zod";
import { Email, Slug, TypedDigits, text } from "../../fields.ts";

/** Nothing is said of a token's form: one of the wrong form is a wrong one. */
export const Token = z.string().min(1).max(512);

export const Code = TypedDigits.pipe(text(64).regex(/^[0-9]{6}$/, "Must have six digits"));

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

export const ByToken = z.strictObject({ token: Token });

export const ByCode = z.strictObject({ challengeId: Token, code: Code });
