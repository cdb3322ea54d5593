/**
 * How many mails of one kind a mailbox gets, whoever sends them and from whichever tenant. What is beyond is dropped
 * without a word to the sender: an answer that told would tell what others have sent there.
 */
import { LIMITS, type Limits } from "../config/limits.ts";
import type { Config } from "../config.ts";
import { ApiError } from "../errors.ts";
import type { PolicyName } from "../rate-limits/policies.ts";
import type { RateLimits } from "../rate-limits/rate-limits.ts";
import { createRecent } from "../recent.ts";
import { KINDS, type Mail, UNASKED } from "./mails.ts";

/** So many counts are held at most; of more, those go that were not used for longest. */
const MOST_COUNTS = 100_000;
const HOUR_MILLIS = 3_600_000;

/**
 * Counts a mail that is about to be delivered, for all instances together. False: the mailbox has had its share. What
 * readers ask for themselves has no budget of a day: strangers who used it up would keep them from a link until
 * tomorrow.
 */
export async function takesShare(
  { rateLimits }: { rateLimits: RateLimits },
  { template, to }: Mail,
): Promise<boolean> {
  const policies: PolicyName[] = [
    KINDS[template] === "proof" ? "proof_mail" : "notice_mail",
    ...(UNASKED.includes(template) ? (["unasked_mail"] as const) : []),
  ];
  try {
    for (const policy of policies) await rateLimits.consume(policy, `${template} ${mailboxOf(to)}`);
    return true;
  } catch (err) {
    if (err instanceof ApiError && err.code === "rate_limited") return false;
    throw err;
  }
}

/**
 * The same before anything is queued, in this process's memory and so without a question to the database: of 800 mails
 * for one mailbox a few become rows, and the rest nothing.
 */
export function createQueueBudget(
  { rateLimits, limits = LIMITS }: Pick<Config, "rateLimits"> & { limits?: Limits },
  now: () => number = Date.now,
): (what: string, address: string) => boolean {
  const mostAnHour = queuedAnHour(limits);
  const counts = createRecent<number>(MOST_COUNTS);
  return function mayQueue(what, address) {
    if (rateLimits === "off") return true;
    const key = `${Math.floor(now() / HOUR_MILLIS)} ${what} ${mailboxOf(address)}`;
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    return count <= mostAnHour;
  };
}

/** What one instance queues of one kind for one mailbox within an hour: twice as much as is delivered of any. */
function queuedAnHour({ links, proof_mail, unasked_mail, notice_mail }: Limits): number {
  const delivered = [links, proof_mail, unasked_mail, notice_mail].map(
    ({ quota, windowSeconds }) => (quota * 3600) / windowSeconds,
  );
  return Math.ceil(2 * Math.max(...delivered));
}

/** One mailbox has many addresses: with anything behind a plus sign, and at Gmail with dots anywhere. */
export function mailboxOf(address: string): string {
  const at = address.lastIndexOf("@");
  const domain = address.slice(at + 1);
  const [name = ""] = address.slice(0, at).split(/(?<=.)\+/);
  const isGmail = domain === "gmail.com" || domain === "googlemail.com";
  return isGmail ? `${name.replaceAll(".", "")}@gmail.com` : `${name}@${domain}`;
}
