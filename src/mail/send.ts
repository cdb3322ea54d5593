import type { Context } from "../context.ts";
import type { Transaction } from "../db/client.ts";

/** The mails there are, each with what its text needs. Links carry their token after the #, which no server is sent. */
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
  | { template: "email_changed"; newEmail: string }
  | { template: "magic_link"; link: string; code: string | null; minutes: number }
  | { template: "reset_password"; link: string; minutes: number }
  | { template: "password_changed" }
  | {
      template: "factor_changed";
      factor: "totp" | "passkey" | "recovery_codes";
      change: "added" | "removed";
    }
  | { template: "recovery_code_used"; left: number }
  | { template: "new_device"; device: string; ip: string | null; at: string; link: string }
  | { template: "invitation"; link: string; tenant: string; minutes: number }
  | { template: "account_locked"; link: string; minutes: number }
  | { template: "session_stolen"; device: string; at: string; link: string }
  /** A super admin acts as the reader, for a quarter of an hour at most. */
  | { template: "impersonated"; reason: string; at: string; link: string };

export type Mail = MailContent & {
  to: string;
  /** A BCP 47 tag; where there are no texts in it, English. */
  language: string | null;
  /** An IANA name, in which times are told; UTC without it. */
  timeZone?: string | null;
};

/** Queues a mail with the transaction that it speaks of: rolled back, it is never sent. */
export async function sendMail(
  tx: Transaction,
  { jobs }: Pick<Context, "jobs">,
  mail: Mail,
): Promise<void> {
  await jobs.send("mail", mail, tx);
}
