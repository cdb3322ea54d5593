/** The mails there are: what each says, and whether it is a proof or a notice. */

/** Each with what its text needs. Links carry their token after the #, which no server is sent. */
export type MailContent =
  | { template: "verify_email"; link: string; code: string; minutes: number }
  | {
      template: "complete_registration";
      link: string;
      code: string;
      minutes: number;
      tenant: string;
    }
  /** Somebody tried to register, or to change to, an address that has an account. */
  | { template: "address_in_use"; link: string }
  | { template: "change_email"; link: string; code: string | null; minutes: number }
  | { template: "email_changed" }
  | { template: "magic_link"; link: string; code: string | null; minutes: number }
  | { template: "reset_password"; link: string; minutes: number }
  | { template: "password_changed" }
  | {
      template: "factor_changed";
      factor: "totp" | "passkey" | "recovery_codes";
      change: "added" | "removed";
    }
  | { template: "recovery_code_used"; left: number }
  /** `device` is of a closed list (`knownDevice` in device.ts); null for what is not on it. */
  | { template: "new_device"; device: string | null; ip: string | null; at: string; link: string }
  | { template: "invitation"; link: string; tenant: string; minutes: number }
  /** A tenant has added the address of an account, whose person has not said yet that they want that. */
  | { template: "added_to_tenant"; link: string; tenant: string; minutes: number }
  | { template: "account_locked"; link: string; minutes: number }
  /** The reader has deleted their account. `at`: when it is gone for good; `link` takes it back, null where nothing does. */
  | { template: "account_deleted"; link: string | null; at: string }
  | { template: "session_stolen"; device: string | null; at: string; link: string }
  /** A refresh token came late a second time, and nobody had used its successor: an answer was lost. */
  | { template: "session_ended"; device: string | null; at: string; link: string }
  /** A super admin acts as the reader, for a quarter of an hour at most. */
  | { template: "impersonated"; at: string; link: string }
  /** To every super admin, that one of them got back in by the console. The audit log says who: no notice names an address. */
  | { template: "way_in_used"; at: string };

export type MailTemplate = MailContent["template"];

/**
 * A proof carries the link or code that its reader asked for or was invited by, and may go to any address. A notice tells
 * what happened: it goes to addresses that were proved and to no other, and nobody but the operator chose a word of it.
 * The type asks for every mail, so that none is neither.
 */
export const KINDS = {
  verify_email: "proof",
  complete_registration: "proof",
  change_email: "proof",
  magic_link: "proof",
  reset_password: "proof",
  invitation: "proof",
  added_to_tenant: "proof",
  // The way back in for an owner who is held off, whether they have proved the address or not (ASVS 5.0, 6.1.1).
  account_locked: "proof",
  // Asked for by whoever deletes the account, and the one way to take that back.
  account_deleted: "proof",
  address_in_use: "notice",
  email_changed: "notice",
  password_changed: "notice",
  factor_changed: "notice",
  recovery_code_used: "notice",
  new_device: "notice",
  session_stolen: "notice",
  session_ended: "notice",
  impersonated: "notice",
  way_in_used: "notice",
} as const satisfies Record<MailTemplate, "proof" | "notice">;

type OfKind<Kind> = {
  [T in MailTemplate]: (typeof KINDS)[T] extends Kind
    ? Extract<MailContent, { template: T }>
    : never;
}[MailTemplate];
export type Proof = OfKind<"proof">;
export type Notice = OfKind<"notice">;

export type Mail = MailContent & {
  to: string;
  /** BCP 47 tags with commas between them; where there are no texts in the first, the next; at last English. */
  language: string | null;
  /** An IANA name, in which times are told; UTC without it. */
  timeZone?: string | null;
};

/**
 * These are sent by somebody who need not be the reader, and who may send them by the hundred: what readers ask for
 * themselves goes before them, and they have a budget of a day besides (budget.ts).
 */
export const UNASKED: readonly MailTemplate[] = ["invitation", "added_to_tenant", "change_email"];
