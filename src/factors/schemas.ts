import { z } from "zod";
import { line, Timestamp, TypedCode, TypedDigits } from "../fields.ts";

/** Nothing is asked of its form: what has another one is a wrong code, and counts as one. */
export const RecoveryCode = TypedCode;
export const AppCode = TypedDigits;

export const ConfirmTotpInput = z.strictObject({ code: AppCode }).meta({ ref: "ConfirmTotpInput" });

/** Shown once: nothing answers the secret again. */
export const PendingTotp = z
  .object({
    secret: z.string().meta({ description: "Base32, for typing" }),
    uri: z.string().meta({ description: "otpauth://, for a QR code" }),
  })
  .meta({ ref: "PendingTotp" });
export type PendingTotp = z.infer<typeof PendingTotp>;

/** `recoveryCodes` is null when there were unused ones already. */
export const ConfirmedTotp = z
  .object({ recoveryCodes: z.array(z.string()).nullable() })
  .meta({ ref: "ConfirmedTotp" });
export type ConfirmedTotp = z.infer<typeof ConfirmedTotp>;

export const RecoveryCodes = z
  .object({ codes: z.array(z.string()) })
  .meta({ ref: "RecoveryCodes" });

export const Passkey = z
  .object({
    id: z.uuid(),
    name: z.string(),
    createdAt: Timestamp,
    lastUsedAt: Timestamp.nullable(),
    backedUp: z.boolean().meta({ description: "Whether its provider keeps copies of it" }),
    transports: z.array(z.string()),
  })
  .meta({ ref: "Passkey" });
export type Passkey = z.infer<typeof Passkey>;

export const Factors = z
  .object({
    password: z.boolean(),
    totp: z.object({ createdAt: Timestamp }).nullable(),
    passkeys: z.array(Passkey),
    recoveryCodesLeft: z.int(),
  })
  .meta({ ref: "Factors" });
export type Factors = z.infer<typeof Factors>;

export const PasskeyName = line(120);

export const RenamePasskeyInput = z
  .strictObject({ name: PasskeyName })
  .meta({ ref: "RenamePasskeyInput" });
