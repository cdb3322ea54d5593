/** What browsers send and are sent (WebAuthn Level 3, section 5.1), in its JSON form. */
import { z } from "zod";
import { text } from "../fields.ts";
import { PasskeyName } from "./schemas.ts";

function base64url(max: number) {
  return text(max)
    .min(1)
    .regex(/^[A-Za-z0-9_-]+$/, "Must be base64url without padding");
}

/** A credential's id has 1023 bytes at most (section 4). */
const CredentialId = base64url(1364);
const Transports = z.array(z.string().max(32)).max(8);

/** Browsers add fields as the standard grows. These are not read, so they are no reason to refuse. */
const CREDENTIAL = {
  id: CredentialId,
  rawId: CredentialId,
  type: z.literal("public-key"),
  authenticatorAttachment: z.string().max(32).nullish(),
  clientExtensionResults: z.record(z.string(), z.unknown()).optional(),
};

/** RegistrationResponseJSON. */
export const PasskeyRegistration = z
  .object({
    ...CREDENTIAL,
    response: z.object({
      clientDataJSON: base64url(4096),
      attestationObject: base64url(65_536),
      transports: Transports.optional(),
    }),
  })
  .meta({ ref: "PasskeyRegistration" });
export type PasskeyRegistration = z.infer<typeof PasskeyRegistration>;

/** AuthenticationResponseJSON. */
export const PasskeyAssertion = z
  .object({
    ...CREDENTIAL,
    response: z.object({
      clientDataJSON: base64url(4096),
      authenticatorData: base64url(4096),
      signature: base64url(4096),
      userHandle: base64url(86).nullish(),
    }),
  })
  .meta({ ref: "PasskeyAssertion" });
export type PasskeyAssertion = z.infer<typeof PasskeyAssertion>;

export const RegisterPasskeyInput = z
  .strictObject({ name: PasskeyName.optional(), response: PasskeyRegistration })
  .meta({ ref: "RegisterPasskeyInput" });
export type RegisterPasskeyInput = z.infer<typeof RegisterPasskeyInput>;

const Descriptor = z.object({
  id: z.string(),
  type: z.literal("public-key"),
  transports: z.array(z.string()),
});

const Requirement = z.enum(["required", "preferred"]);

/** PublicKeyCredentialCreationOptionsJSON: for `navigator.credentials.create`. */
export const PasskeyCreationOptions = z
  .object({
    rp: z.object({ id: z.string(), name: z.string() }),
    user: z.object({ id: z.string(), name: z.string(), displayName: z.string() }),
    challenge: z.string(),
    pubKeyCredParams: z.array(
      z.object({ type: z.literal("public-key"), alg: z.int().min(-65_535).max(0) }),
    ),
    timeout: z.int().meta({ description: "Milliseconds" }),
    excludeCredentials: z.array(Descriptor),
    authenticatorSelection: z.object({
      residentKey: Requirement,
      requireResidentKey: z.boolean(),
      userVerification: Requirement,
    }),
    attestation: z.literal("none"),
  })
  .meta({ ref: "PasskeyCreationOptions" });
export type PasskeyCreationOptions = z.infer<typeof PasskeyCreationOptions>;

/** PublicKeyCredentialRequestOptionsJSON: for `navigator.credentials.get`. */
export const PasskeyRequestOptions = z
  .object({
    challenge: z.string(),
    rpId: z.string(),
    timeout: z.int().meta({ description: "Milliseconds" }),
    allowCredentials: z.array(Descriptor),
    userVerification: Requirement,
  })
  .meta({ ref: "PasskeyRequestOptions" });
export type PasskeyRequestOptions = z.infer<typeof PasskeyRequestOptions>;
