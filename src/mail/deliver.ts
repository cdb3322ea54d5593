import type { Context } from "../context.ts";
import { type JobInfo, PermanentFailure } from "../jobs/jobs.ts";
import { renderMail } from "./render.ts";
import type { Mail } from "./send.ts";

/**
 * The handler of the queue `mail`. @throws PermanentFailure when the server refuses the mail for good, or it came too
 * late: a link that no longer works helps nobody.
 */
export async function deliver(
  { mailer, config }: Pick<Context, "mailer" | "config">,
  data: unknown,
  job: JobInfo,
): Promise<void> {
  const mail = data as Mail;
  if ("minutes" in mail && Date.now() > job.createdAt.getTime() + mail.minutes * 60_000)
    throw new PermanentFailure(`the link of ${mail.template} is no longer valid`);
  const rendered = renderMail(mailer.templates, mail, config.productName);
  await mailer.transport.send({ ...rendered, id: job.id, template: mail.template, to: mail.to });
}
