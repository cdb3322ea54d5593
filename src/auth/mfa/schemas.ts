import { z } from "zod";
import { Code } from "../../factors/schemas.ts";
import { PasskeyAssertion } from "../../factors/webauthn-schemas.ts";

/** Nothing is said of the form: a token of the wrong form is a wrong token. */
const MfaToken = z.string().min(1).max(512);

export const MfaTokenInput = z.strictObject({ mfaToken: MfaToken }).meta({ ref: "MfaTokenInput" });
export type MfaTokenInput = z.infer<typeof MfaTokenInput>;

export const VerifyMfaInput = z
  .discriminatedUnion("method", [
    z.strictObject({ mfaToken: MfaToken, method: z.literal("totp"), code: Code }),
    z.strictObject({ mfaToken: MfaToken, method: z.literal("recovery_code"), code: Code }),
    z.strictObject({
      mfaToken: MfaToken,
      method: z.literal("passkey"),
      response: PasskeyAssertion,
    }),
  ])
  .meta({ ref: "VerifyMfaInput" });
export type VerifyMfaInput = z.infer<typeof VerifyMfaInput>;
