import { z } from "zod";
import { Password } from "../../users/schemas.ts";
import { Token } from "../mails/schemas.ts";

export const ChangePasswordInput = z
  .strictObject({
    /** Left out only by accounts that have no password yet. */
    currentPassword: Password.optional(),
    newPassword: Password,
  })
  .meta({ ref: "ChangePasswordInput" });
export type ChangePasswordInput = z.infer<typeof ChangePasswordInput>;

export const ResetPasswordInput = z
  .strictObject({ token: Token, newPassword: Password })
  .meta({ ref: "ResetPasswordInput" });
export type ResetPasswordInput = z.infer<typeof ResetPasswordInput>;
