/** The mail of an installation: its texts and where they go. */
import { resolve } from "node:path";
import type { Config } from "../config.ts";
import type { Log } from "../log.ts";
import { createQueueBudget } from "./budget.ts";
import { loadTemplates, type Templates } from "./templates.ts";
import { createTransportFor, type Transport } from "./transport.ts";

export type Mailer = {
  templates: Templates;
  transport: Transport;
  /** Whether one more mail of this kind is queued for the address; false when there were too many of late. */
  mayQueue(what: string, address: string): boolean;
};

export type MailerOptions = Pick<
  Config,
  "smtpUrl" | "mailFrom" | "mailTemplates" | "environment" | "rateLimits"
> & { limits?: Config["limits"] };

/** @throws TemplateError when a text is missing or not usable. */
export function createMailer(config: MailerOptions, log: Log): Mailer {
  return {
    templates: loadTemplates(resolve(config.mailTemplates)),
    transport: createTransportFor(config, log),
    mayQueue: createQueueBudget(config),
  };
}
