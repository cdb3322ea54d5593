/**
 * Requests for a mail to an address that may or may not have an account. The request itself only puts a job in, the same
 * one for every address: neither its answer nor its time can tell (ASVS 5.0, 6.3.8). The job looks who it is for.
 */
import type { Context, Deps, RequestOrigin } from "../../context.ts";
import type { Transaction } from "../../db/client.ts";
import type { AddressChange } from "../../users/change-address.ts";
import type { Registration } from "../insert-registration.ts";
import { sendChangeMail } from "./change-email.ts";
import { sendRegistrationMail } from "./complete-registration.ts";
import { sendResetMail } from "./forgot-password.ts";
import { sendMagicLink } from "./magic-link.ts";
import { sendUnlockMail } from "./unlock.ts";

export type MailRequest =
  | {
      kind: "reset_password";
      email: string;
      tenant?: string | undefined;
      /** Whom it is for, where that is known: nobody else who may have the address. */
      userId?: string;
    }
  | {
      kind: "magic_link";
      email: string;
      tenant?: string | undefined;
      /** What the requester holds to type the code with. */
      challenge?: string;
    }
  | { kind: "unlock"; email: string; tenant?: string | undefined }
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

/** Works a request off: the handler of the queue. */
export async function handleMailRequest(deps: Deps, data: unknown): Promise<void> {
  const { request, origin } = data as { request: MailRequest; origin: RequestOrigin };
  const ctx: Context = { ...deps, origin };
  switch (request.kind) {
    case "reset_password":
      return sendResetMail(ctx, request);
    case "magic_link":
      return sendMagicLink(ctx, request);
    case "unlock":
      return sendUnlockMail(ctx, request);
    case "change_email":
      return sendChangeMail(ctx, request);
    case "registration":
      return sendRegistrationMail(ctx, request.challenge, request.registration);
  }
}
