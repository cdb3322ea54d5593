/** The mail server: EHLO, TLS and AUTH. Nothing is sent. */
import type { Values } from "../../config/rules.ts";
import { tryMailServer } from "../../mail/transport.ts";
import { type Finding, note, ok, wrong } from "./finding.ts";

export async function* checkMail({ SMTP_URL: text, NODE_ENV }: Values): AsyncGenerator<Finding> {
  if (text === undefined) {
    yield NODE_ENV === "production"
      ? wrong(
          "mail",
          "SMTP_URL is not set: no mail is sent, and nobody gets a link",
          "SMTP_URL, see docs/operations/deploy.md",
        )
      : ok("mail", "/dev/mail shows it: SMTP_URL is not set");
    return;
  }
  const url = new URL(text);
  try {
    await tryMailServer(text);
    yield ok(
      "mail",
      `${url.host} takes the connection${url.username ? " and the log-in" : ""}; nothing was sent`,
    );
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    yield wrong(
      "mail",
      `${url.host}: ${message}`,
      "SMTP_URL: host, port, smtp:// or smtps://, user and password",
    );
  }
  const isHere = /^(localhost|127\.|\[::1\])/.test(url.hostname);
  if (url.protocol === "smtp:" && !isHere && url.searchParams.get("requireTLS") !== "true")
    yield note(
      "mail",
      "where the server offers no TLS, links travel in the clear",
      "?requireTLS=true in SMTP_URL",
    );
}
