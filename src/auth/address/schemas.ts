import { z } from "zod";
import { Email } from "../../fields.ts";
import { ByToken, Code } from "../mails/schemas.ts";

export const ChangeEmailInput = z.strictObject({ email: Email }).meta({ ref: "ChangeEmailInput" });
export type ChangeEmailInput = z.infer<typeof ChangeEmailInput>;

export const VerifyEmailInput = z
  .union([ByToken, z.strictObject({ code: Code })])
  .meta({ ref: "VerifyEmailInput" });
export type VerifyEmailInput = z.infer<typeof VerifyEmailInput>;

export const ChangeByLinkInput = ByToken.meta({ ref: "ChangeByLinkInput" });
export type ChangeByLinkInput = z.infer<typeof ChangeByLinkInput>;

export const CodeSent = z
  .object({ expiresIn: z.int().meta({ description: "Seconds that the code is good for" }) })
  .meta({ ref: "CodeSent" });
