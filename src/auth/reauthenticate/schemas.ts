import { z } from "zod";
import { PasskeyAssertion } from "../../factors/webauthn-schemas.ts";
import { Password } from "../../users/schemas.ts";

export const ReauthenticateInput = z
  .union([z.strictObject({ password: Password }), z.strictObject({ response: PasskeyAssertion })])
  .meta({ ref: "ReauthenticateInput" });
export type ReauthenticateInput = z.infer<typeof ReauthenticateInput>;
