import { z } from "zod";
import { Email, line, Slug } from "../../fields.ts";
import { Password } from "../../users/schemas.ts";
import { ByCode, Token } from "../mails/schemas.ts";

export const RegisterInput = z
  .strictObject({
    email: Email,
    password: Password,
    firstName: line(120).optional(),
    lastName: line(120).optional(),
    tenant: z.strictObject({ name: line(120), slug: Slug }),
  })
  .meta({ ref: "RegisterInput" });
export type RegisterInput = z.infer<typeof RegisterInput>;

export const OwnTenantInput = z
  .strictObject({ name: line(120), slug: Slug })
  .meta({ ref: "OwnTenantInput" });
export type OwnTenantInput = z.infer<typeof OwnTenantInput>;

/**
 * By the code where the registration was begun, or by the link's token with the password: the owner of an address must
 * not complete what a stranger began with it (GHSA-qq9h-g4jm-xgf3).
 */
export const CompleteRegistrationInput = z
  .union([z.strictObject({ token: Token, password: Password }), ByCode])
  .meta({ ref: "CompleteRegistrationInput" });
export type CompleteRegistrationInput = z.infer<typeof CompleteRegistrationInput>;
