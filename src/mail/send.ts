/** The two ways of sending a mail: a proof to whoever it is for, a notice to who has proved the address. */
import { hashWithKey, type Keyring } from "../crypto/secret.ts";
import type { Transaction } from "../db/client.ts";
import type { Jobs, QueueName } from "../jobs/jobs.ts";
import type { RequestOrigin } from "../principal.ts";
import type { Mailer } from "./mailer.ts";
import { type Mail, type Notice, type Proof, UNASKED } from "./mails.ts";

/** Whom a notice is for. Users and accounts that were read for something else will do. */
export type Reader = {
  email: string;
  /** Whether that address was proved. */
  verified: boolean;
  /** The language that they chose, else that of their tenant. */
  language?: string | null;
  timeZone?: string | null;
};

type Sender = { jobs: Jobs; mailer: Mailer; keyring: Keyring };
type Teller = Sender & { origin: RequestOrigin };

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
  ctx: Teller,
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
  ctx: Teller,
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

/** Mails for one domain are a group, of which so many at once are delivered: see `IN_GROUP` in jobs/queue.ts. */
async function queue(tx: Transaction, ctx: Sender, name: QueueName, mail: Mail): Promise<void> {
  if (!ctx.mailer.mayQueue(mail.template, mail.to)) return;
  const domain = mail.to.slice(mail.to.lastIndexOf("@") + 1);
  const group = hashWithKey(ctx.keyring.rateLimit, `domain ${domain}`).toString("base64url");
  await ctx.jobs.send(name, mail, tx, { group, isUrgent: !UNASKED.includes(mail.template) });
}
