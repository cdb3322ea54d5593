/**
 * Requests for a mail to an address that may or may not have an account. The request itself only puts a job in, the same
 * one for every address: neither its answer nor its time can tell (ASVS 5.0, 6.3.8). The job looks who it is for.
 */
import type { Context } from "../../context.ts";
import type { Transaction } from "../../db/client.ts";
import type { AddressChange } from "../../users/change-address.ts";
import type { Registration } from "../registration/insert-registration.ts";

/** How somebody who is not logged in names an account. Where addresses are unique per tenant, that is its slug. */
export type AccountName = { email: string; tenant?: string | undefined };

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
  | { kind: "registration"; challenge: string; registration: Registration };

/** One statement, whatever the address; with `tx` a part of that transaction. */
export async function requestMail(
  ctx: Context,
  request: MailRequest,
  tx?: Transaction,
): Promise<void> {
  const email = request.kind === "registration" ? request.registration.email : request.email;
  // The same for every address, so that it tells nothing but how often somebody asked.
  if (!ctx.mailer.mayQueue(`request ${request.kind}`, email)) return;
  await ctx.jobs.send("mail_request", { request, origin: ctx.origin }, tx);
}
