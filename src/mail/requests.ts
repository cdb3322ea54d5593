/**
 * Requests for a mail to an address that may or may not have an account. The request itself only puts a job in, the same
 * one for every address: neither its answer nor its time can tell (ASVS 5.0, 6.3.8). The job looks who it is for
 * (job-handlers.ts), or for a change whether the address is free, and tells nobody here (R70).
 */
import type { Transaction } from "../db/client.ts";
import type { Jobs } from "../jobs/jobs.ts";
import type { Principal, RequestOrigin } from "../principal.ts";
import type { Mailer } from "./mailer.ts";
import { languageAskedBy } from "./reader.ts";

/** How somebody who is not logged in names an account. Where addresses are unique per tenant, that is its slug. */
export type AccountName = { email: string; tenant?: string | undefined };

/** What somebody registers with. */
export type Registration = {
  email: string;
  passwordHash: string;
  firstName: string | null;
  lastName: string | null;
  tenant: { name: string; slug: string };
};

/**
 * Who has begun a change of an address, which says what completes it. The owner: link or code, within a session of theirs.
 * A machine: the link within a session of the owner, or a key with `user:update`, whose holder reads the new mailbox, would
 * become a session of anybody. Somebody of the tenant in person, or a platform account in person: see `linkIsEnough` in
 * users/change-address.ts.
 * "owner" is the user themself; tokens and audit rows hold the word, so it stays.
 */
export type BegunBy = "owner" | "machine" | "administrator" | "platform";

export type AddressChange = {
  kind: "change_email";
  userId: string;
  tenantId: string | null;
  email: string;
  begunBy: BegunBy;
  /** The session that the owner's link and code are for. */
  sessionId: string | null;
};

export type MailRequest =
  | (AccountName & {
      kind: "reset_password";
      /** Whom it is for, where that is known: nobody else who may have the address. */
      userId?: string;
    })
  | (AccountName & {
      kind: "magic_link";
      /** What the requester holds to type the code with. */
      challenge?: string;
    })
  | (AccountName & { kind: "unlock" })
  | AddressChange
  /** Those of a tenant's new users whose address has an account hear of it (accounts/pool.ts). */
  | { kind: "added"; userIds: string[]; tenantId: string }
  /** The same of all whom somebody has made since shortly before that was asked for (users/tell-added.ts). */
  | { kind: "added_lately"; createdBy: string; tenantId: string }
  | { kind: "registration"; challenge: string; registration: Registration };

type Asking = { jobs: Jobs; mailer: Mailer; origin: RequestOrigin; principal?: Principal };

/** One statement, whatever the address; with `tx` a part of that transaction. @param waitSeconds until it is looked into. */
export async function requestMail(
  ctx: Asking,
  request: MailRequest,
  tx?: Transaction,
  waitSeconds?: number,
): Promise<void> {
  const { jobs, mailer } = ctx;
  const email = addressOf(request);
  // The same for every address, so that it tells nothing but how often somebody asked.
  if (email !== null && !mailer.mayQueue(`request ${request.kind}`, email)) return;
  // Changes of others' come by the hundred, perhaps: what readers have asked for themselves goes first (R74).
  const isUrgent =
    request.kind === "change_email" ? request.begunBy === "owner" : !isOfMany(request);
  // The job knows no more who asked.
  const readerId = ("userId" in request && request.userId) || null;
  const origin = { ...ctx.origin, language: languageAskedBy(ctx, readerId) };
  await jobs.send("mail_request", { request, origin }, tx, {
    isUrgent,
    ...(waitSeconds !== undefined && { waitSeconds }),
  });
}

function isOfMany(request: MailRequest) {
  return request.kind === "added" || request.kind === "added_lately";
}

/** Null where it is about many. */
function addressOf(request: MailRequest): string | null {
  if (request.kind === "added" || request.kind === "added_lately") return null;
  return request.kind === "registration" ? request.registration.email : request.email;
}
