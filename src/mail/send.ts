/** The mails there are, and the two ways of sending one: a proof to whoever it is for, a notice to who has proved the address. */
import type { Context } from "../context.ts";
import { hashWithKey } from "../crypto/secret.ts";
import type { Transaction } from "../db/client.ts";
import type { QueueName } from "../jobs/jobs.ts";

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
  /** `device` is of a closed list (`knownDevice` in sessions/device.ts); null for what is not on it. */
  | { template: "new_device"; device: string | null; ip: string | null; at: string; link: string }
  | { template: "invitation"; link: string; tenant: string; minutes: number }
  | { template: "account_locked"; link: string; minutes: number }
  | { template: "session_stolen"; device: string | null; at: string; link: string }
  /** A super admin acts as the reader, for a quarter of an hour at most. */
  | { template: "impersonated"; at: string; link: string };

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
  // The way back in for an owner who is held off, whether they have proved the address or not (ASVS 5.0, 6.1.1).
  account_locked: "proof",
  address_in_use: "notice",
  email_changed: "notice",
  password_changed: "notice",
  factor_changed: "notice",
  recovery_code_used: "notice",
  new_device: "notice",
  session_stolen: "notice",
  impersonated: "notice",
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
  /** A BCP 47 tag; where there are no texts in it, English. */
  language: string | null;
  /** An IANA name, in which times are told; UTC without it. */
  timeZone?: string | null;
};

/** Whom a notice is for. Users and accounts that were read for something else will do. */
export type Reader = {
  email: string;
  /** Whether that address was proved. */
  verified: boolean;
  /** The language that they chose, else that of their tenant. */
  language?: string | null;
  timeZone?: string | null;
};

type Sender = Pick<Context, "jobs" | "mailer" | "keyring" | "config">;

/** Queues a link or code with the transaction that it speaks of: rolled back, it is never sent. */
export async function sendProof(
  tx: Transaction,
  ctx: Sender,
  mail: Proof & Pick<Mail, "to" | "language">,
): Promise<void> {
  await queue(tx, ctx, "mail", mail);
}

/** Queues a notice as `sendProof` does a proof, in a queue of its own; nothing, when the reader never proved the address. */
export async function sendNotice(
  tx: Transaction,
  ctx: Sender & Pick<Context, "origin">,
  { email, verified, language, timeZone }: Reader,
  notice: Notice,
): Promise<void> {
  if (!verified) return;
  const mail = { ...notice, to: email, language: language ?? ctx.origin.language };
  await queue(tx, ctx, "notice", { ...mail, ...(timeZone && { timeZone }) });
}

/** Tells a user what happened to their account, in their language and time zone. */
export async function tellUser(
  tx: Transaction,
  ctx: Sender & Pick<Context, "origin">,
  { id, tenantId }: { id: string; tenantId: string | null },
  notice: Notice,
): Promise<void> {
  const [reader] = await tx.$queryRaw<Reader[]>`
    SELECT users.email, users.email_verified_at IS NOT NULL AS verified, user_profiles.timezone AS "timeZone",
      coalesce(user_profiles.language, tenants.settings->>'locale') AS language
    FROM users
      LEFT JOIN user_profiles ON user_profiles.user_id = users.id
      LEFT JOIN tenants ON tenants.id = users.tenant_id
    WHERE users.id = ${id}::uuid AND users.tenant_id IS NOT DISTINCT FROM ${tenantId}::uuid`;
  if (reader) await sendNotice(tx, ctx, reader, notice);
}

/**
 * These are sent by somebody who need not be the reader, and who may send them by the hundred: what readers ask for
 * themselves goes before them, and they have a budget of a day besides (budget.ts).
 */
export const UNASKED: readonly MailTemplate[] = ["invitation", "change_email"];

/** Mails for one domain are a group, of which so many at once are delivered: see `IN_GROUP` in jobs/queue.ts. */
async function queue(tx: Transaction, ctx: Sender, name: QueueName, mail: Mail): Promise<void> {
  if (!ctx.mailer.mayQueue(mail.template, mail.to)) return;
  const domain = mail.to.slice(mail.to.lastIndexOf("@") + 1);
  const group = hashWithKey(ctx.keyring.rateLimit, `domain ${domain}`).toString("base64url");
  await ctx.jobs.send(name, mail, tx, { group, isUrgent: !UNASKED.includes(mail.template) });
}
