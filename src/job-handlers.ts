/** What is done with the jobs of each queue. */
import { maintainAuditLog } from "./audit/partitions.ts";
import { sendChangeMail } from "./auth/address/change-email.ts";
import { sendMagicLink } from "./auth/login/magic-link.ts";
import { sendResetMail } from "./auth/password/forgot-password.ts";
import { sendRegistrationMail } from "./auth/registration/complete-registration.ts";
import { sendUnlockMail } from "./auth/unlock.ts";
import { cleanUp } from "./clean-up.ts";
import type { Context, Deps } from "./context.ts";
import { inBackground } from "./db/scope.ts";
import { sendAddedMails, sendAddedMailsLately } from "./invitations/tell-added.ts";
import type { JobHandler, JobHandlers, JobInfo } from "./jobs/jobs.ts";
import { deliver } from "./mail/deliver.ts";
import type { MailRequest } from "./mail/requests.ts";
import type { RequestOrigin } from "./principal.ts";
import { maintainSigningKeys } from "./signing-keys/rotate.ts";

/** Of the queues that this instance works off: an instance that cannot send mails leaves them to those that can. */
export function createJobHandlers(deps: Deps): JobHandlers {
  const handlers: JobHandlers = {
    ...(deps.mailer.transport.delivers && {
      mail: (data, job) => deliver(deps, data, job),
      notice: (data, job) => deliver(deps, data, job),
    }),
    mail_request: (data, job) => sendRequested(deps, data, job),
    signing_keys: async () => void (await maintainSigningKeys(deps)),
    audit: async () => void (await maintainAuditLog(deps)),
    clean_up: () => cleanUp(deps),
  };
  // Background work is nobody's: each job names the tenant that it is about.
  const entries = Object.entries(handlers).map(([queue, handle]): [string, JobHandler] => [
    queue,
    (...args) => inBackground(() => handle(...args)),
  ]);
  return Object.fromEntries(entries);
}

/** Looks who the requested mail is for, and sends it. */
async function sendRequested(deps: Deps, data: unknown, job: JobInfo): Promise<void> {
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
    case "added":
      return sendAddedMails(ctx, request);
    case "added_lately":
      return sendAddedMailsLately(ctx, request, job.createdAt);
    case "registration":
      return sendRegistrationMail(ctx, request.challenge, request.registration);
  }
}
