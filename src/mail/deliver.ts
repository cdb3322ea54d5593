import type { Config } from "../config.ts";
import { type JobInfo, PermanentFailure } from "../jobs/jobs.ts";
import type { Log } from "../log.ts";
import type { RateLimits } from "../rate-limits/rate-limits.ts";
import type { Metrics } from "../watch/metrics.ts";
import { takesShare } from "./budget.ts";
import type { Mailer } from "./mailer.ts";
import type { Mail } from "./mails.ts";
import { renderMail } from "./render.ts";

/**
 * The handler of the queues `mail` and `notice`. What is beyond the budget of its mailbox is dropped.
 * @throws PermanentFailure when the server refuses the mail for good, or it came too late: a link that no longer works
 * helps nobody.
 */
export async function deliver(
  ctx: {
    mailer: Mailer;
    config: Config;
    rateLimits: RateLimits;
    log: Log;
    metrics: Metrics | null;
  },
  data: unknown,
  job: JobInfo,
): Promise<void> {
  const { mailer, config } = ctx;
  const mail = data as Mail;
  if ("minutes" in mail && Date.now() > job.createdAt.getTime() + mail.minutes * 60_000)
    throw new PermanentFailure(`the link of ${mail.template} is no longer valid`);
  // Counted once, however often it has to be tried.
  if (job.attempt === 1 && !(await takesShare(ctx, mail))) {
    const { template } = mail;
    ctx.metrics?.mails.add("dropped");
    ctx.log("info", "a mail was dropped: its mailbox has had its share", { template });
    return;
  }
  const rendered = renderMail(mailer.templates, mail, config.productName);
  await mailer.transport.send({ ...rendered, id: job.id, template: mail.template, to: mail.to });
}
