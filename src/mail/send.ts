/** The two ways of sending a mail: a proof to whoever it is for, a notice to who has proved the address. */
import { hashWithKey, type Keyring } from "../crypto/secret.ts";
import type { Transaction } from "../db/client.ts";
import type { Jobs, QueueName } from "../jobs/jobs.ts";
import type { Principal, RequestOrigin } from "../principal.ts";
import type { Mailer } from "./mailer.ts";
import { type Mail, type Notice, type Proof, UNASKED } from "./mails.ts";
import { type Addressed, readerOf } from "./reader.ts";

type Sender = {
  jobs: Jobs;
  mailer: Mailer;
  keyring: Keyring;
  origin: RequestOrigin;
  principal?: Principal;
};

/** Queues a link or code with the transaction that it speaks of: rolled back, it is never sent. */
export async function sendProof(
  tx: Transaction,
  ctx: Sender,
  { email, ...addressed }: Addressed & { email: string },
  proof: Proof,
): Promise<void> {
  const { language } = await readerOf(tx, ctx, addressed);
  await queue(tx, ctx, "mail", { ...proof, to: email, language });
}

/**
 * Tells a user what happened to their account, in a queue of its own; nothing, when they never proved the address.
 * @param before the address that they had, where it is another one by now.
 */
export async function tellUser(
  tx: Transaction,
  ctx: Sender,
  { id, tenantId }: Addressed,
  notice: Notice,
  before?: { email: string; verified: boolean },
): Promise<void> {
  const { language, timeZone, ...now } = await readerOf(tx, ctx, { id, tenantId });
  const { email, verified } = before ?? now;
  if (email === null || !verified) return;
  const mail = { ...notice, to: email, language };
  await queue(tx, ctx, "notice", { ...mail, ...(timeZone && { timeZone }) });
}

/** Mails for one domain are a group, of which so many at once are delivered: see `WORK` in jobs/queue.ts. */
async function queue(tx: Transaction, ctx: Sender, name: QueueName, mail: Mail): Promise<void> {
  if (!ctx.mailer.mayQueue(mail.template, mail.to)) return;
  const domain = mail.to.slice(mail.to.lastIndexOf("@") + 1);
  const group = hashWithKey(ctx.keyring.rateLimit, `domain ${domain}`).toString("base64url");
  await ctx.jobs.send(name, mail, tx, { group, isUrgent: !UNASKED.includes(mail.template) });
}
