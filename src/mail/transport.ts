/** Where mails go: to the SMTP server, or into an inbox that developers and tests read. */
import type { Transporter } from "nodemailer";
import type { Config } from "../config.ts";
import { PermanentFailure } from "../jobs/jobs.ts";
import type { Log } from "../log.ts";
import type { MailTemplate } from "./mails.ts";
import type { RenderedMail } from "./render.ts";

export type OutgoingMail = RenderedMail & {
  /** Of the job: the same when it is sent again, and so is the Message-ID. */
  id: string;
  template: MailTemplate;
  to: string;
};

/** `at` as ISO 8601. */
export type ReceivedMail = RenderedMail & { id: string; to: string; at: string };

export type Transport = {
  /** False where there is no way to send one: the mails are another instance's to deliver. */
  delivers: boolean;
  /** @throws PermanentFailure when the server will never take this mail. */
  send(mail: OutgoingMail): Promise<void>;
  /** The last hundred mails, the newest last; null where mails leave the process. */
  inbox: readonly ReceivedMail[] | null;
  close(): void;
};

export type TransportOptions = Pick<Config, "smtpUrl" | "mailFrom" | "environment">;

const INBOX_LENGTH = 100;
/** What has a sign of the syntax of address lists or of headers in it is refused, whatever let it in. */
const ONE_ADDRESS = /^[^\s\p{C}<>()[\]\\,;:"@]+@[^\s\p{C}<>()[\]\\,;:"@]+$/u;

export function createTransportFor(config: TransportOptions, log: Log): Transport {
  if (config.smtpUrl) return smtpTransport(config.smtpUrl, config.mailFrom);
  if (config.environment !== "production") return inboxTransport();
  log("warn", "SMTP_URL is not set: mails are left to instances that have it");
  return {
    delivers: false,
    async send() {
      throw new Error("SMTP_URL is not set");
    },
    inbox: null,
    close() {},
  };
}

/** STARTTLS is used where the server offers it; `?requireTLS=true` at the end of the URL insists. */
function smtpTransport(url: string, from: string): Transport {
  let connecting: Promise<Transporter> | undefined;
  const domain = /@([^\s@<>]+)>?$/.exec(from.trim())?.[1] ?? "localhost";
  return {
    delivers: true,
    async send({ id, to, subject, text, html }) {
      if (!ONE_ADDRESS.test(to)) throw new PermanentFailure("the recipient is not one address");
      connecting ??= connect(url);
      const transport = await connecting;
      try {
        await transport.sendMail({
          from,
          to: { name: "", address: to },
          subject,
          text,
          html,
          messageId: `<${id}@${domain}>`,
          // RFC 3834: no out-of-office answers to these.
          headers: { "Auto-Submitted": "auto-generated" },
        });
      } catch (err) {
        throw smtpFailure(err, url);
      }
    },
    inbox: null,
    close: () => void connecting?.then((transport) => transport.close()),
  };
}

/** With the first mail: not every instance sends one, and a start need not wait for the library. */
async function connect(url: string, silentMillis = 30_000): Promise<Transporter> {
  const { createTransport } = await import("nodemailer");
  return createTransport({
    url,
    pool: true,
    // As many as are delivered at once (WORK in jobs/queue.ts): none waits for another's slow server.
    maxConnections: 12,
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: silentMillis,
    // A mail is text that we made: it attaches no file and fetches nothing.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}

/** Somebody waits for the answer, and no mail is lost. */
const TRIED_MILLIS = 8000;

/** Connects, says EHLO, begins TLS where it is offered, logs in, and sends nothing. @throws Error that says what failed */
export async function tryMailServer(url: string): Promise<void> {
  const transport = await connect(url, TRIED_MILLIS);
  try {
    await transport.verify();
  } catch (err) {
    throw smtpFailure(err, url);
  } finally {
    transport.close();
  }
}

/** With its cause, and without what the server said: it likes to repeat the address. */
function smtpFailure(err: unknown, url: string): Error {
  const { code, responseCode, command } = err as SmtpError;
  const answer = responseCode ? ` ${responseCode}` : "";
  const cause = causeOf(err as SmtpError, url);
  const message = `the mail server did not take it: ${code ?? "unknown"}${answer}${command ? ` at ${command}` : ""}${cause ? ` (${cause})` : ""}`;
  // Refused for good is the recipient or the content. A log-in or a sender that it refuses is a mistake that gets mended.
  const isFinal =
    responseCode !== undefined && responseCode >= 500 && /^(RCPT TO|DATA)$/.test(command ?? "");
  return isFinal ? new PermanentFailure(message) : new Error(message);
}

type SmtpError = {
  code?: string;
  response?: string;
  responseCode?: number;
  command?: string;
  message?: string;
  /** Of several addresses of a host, what became of each. */
  errors?: { message?: string }[];
};

/** In OpenSSL's words nobody would know it again. */
const NO_TLS = "the port does not begin with TLS: smtp:// in place of smtps://, or another port";
const NO_STARTTLS = "the server offers STARTTLS, and what follows is no TLS";

/** What the system, TLS or the client itself found wrong, in one line that names nobody. */
function causeOf({ message = "", response, errors = [] }: SmtpError, url: string): string {
  const all = message || errors.map((each) => each.message).join("; ");
  // What the server said comes last, and may be long.
  const [own = ""] = response ? all.split(response) : [all];
  if (own.includes("WRONG_VERSION_NUMBER")) return url.startsWith("smtps:") ? NO_TLS : NO_STARTTLS;
  return own
    .slice(0, 500)
    .replace(/\S*@\S*/g, "…")
    .replace(/[\s\p{C}]+/gu, " ")
    .replace(/[.:]? ?(?:response=)?$/, "")
    .slice(0, 200);
}

function inboxTransport(): Transport {
  const inbox: ReceivedMail[] = [];
  return {
    delivers: true,
    async send({ id, to, subject, text, html }) {
      inbox.push({ id, to, subject, text, html, at: new Date().toISOString() });
      if (inbox.length > INBOX_LENGTH) inbox.shift();
    },
    inbox,
    close() {},
  };
}
