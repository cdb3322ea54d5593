/** What each mail can say: one example of every template, and the names that its text may use. */
import type { Mail, MailContent, MailTemplate } from "./mails.ts";

export type View = Record<string, unknown>;

const LONGEST_VALUE = 320;
/** The values that somebody other than the reader may have written, with how many characters of them are shown. */
const FREE_TEXT = new Map([["tenant", 60]]);
/** The dots of host names, also those of East Asian keyboards; the @ of addresses; the :// of URLs. */
const LINK_MAKING = /[:/](?=\/)|[.。．｡@](?=\p{L})/gu;
const LINK = "https://app.example.com/#token=example";
const AT = "2026-01-31T12:00:00.000Z";
const DEVICE = "Firefox on Linux";

/** Tried with the texts at start. The type asks for one of each, so none can be forgotten. */
export const EXAMPLES: { [T in MailTemplate]: Extract<MailContent, { template: T }> } = {
  verify_email: { template: "verify_email", link: LINK, code: "123456", minutes: 60 },
  complete_registration: {
    template: "complete_registration",
    link: LINK,
    code: "123456",
    minutes: 60,
    tenant: "Acme",
  },
  address_in_use: { template: "address_in_use", link: LINK },
  change_email: { template: "change_email", link: LINK, code: "123456", minutes: 60 },
  email_changed: { template: "email_changed" },
  magic_link: { template: "magic_link", link: LINK, code: "123456", minutes: 10 },
  reset_password: { template: "reset_password", link: LINK, minutes: 30 },
  password_changed: { template: "password_changed" },
  factor_changed: { template: "factor_changed", factor: "totp", change: "added" },
  recovery_code_used: { template: "recovery_code_used", left: 9 },
  new_device: { template: "new_device", device: DEVICE, ip: "192.0.2.1", at: AT, link: LINK },
  invitation: { template: "invitation", link: LINK, tenant: "Acme", minutes: 10_080 },
  added_to_tenant: { template: "added_to_tenant", link: LINK, tenant: "Acme", minutes: 10_080 },
  account_deleted: { template: "account_deleted", link: LINK, at: AT },
  account_locked: { template: "account_locked", link: LINK, minutes: 30 },
  session_stolen: { template: "session_stolen", device: DEVICE, at: AT, link: LINK },
  session_ended: { template: "session_ended", device: DEVICE, at: AT, link: LINK },
  impersonated: { template: "impersonated", at: AT, link: LINK },
  way_in_used: { template: "way_in_used", at: AT },
};

export const TEMPLATE_NAMES = Object.keys(EXAMPLES) as MailTemplate[];

/**
 * The variables of a mail's text. `validFor` is `minutes` in words, `at` a time in words, and the two values of
 * factor_changed are names for sections: {{#totp}}…{{/totp}}.
 */
export function viewOf(
  mail: MailContent & Partial<Pick<Mail, "to" | "language" | "timeZone">>,
  language: string,
  productName: string,
): View {
  const { template: _, to: __, language: ___, timeZone, ...values } = mail;
  const view: View = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, safeValue(name, value)]),
  );
  if ("minutes" in mail) view.validFor = duration(mail.minutes, language);
  if ("at" in mail) view.at = pointInTime(mail.at, language, timeZone ?? "UTC");
  if (mail.template === "factor_changed") {
    for (const factor of ["totp", "passkey", "recovery_codes"])
      view[factor] = mail.factor === factor;
    for (const change of ["added", "removed"]) view[change] = mail.change === change;
  }
  return { ...view, productName: safeValue("productName", productName) };
}

/**
 * What strangers can choose may not begin a paragraph of its own or go on for pages, and may hold no address that a mail
 * program would make a link of: whoever registers a tenant by that name would have us send their advertisement.
 */
function safeValue(name: string, value: unknown): unknown {
  if (typeof value !== "string" || name === "link") return value;
  const line = value.replace(/[\s\p{C}]+/gu, " ").trim();
  const longest = FREE_TEXT.get(name);
  return longest === undefined
    ? line.slice(0, LONGEST_VALUE)
    : cut(line, longest).replace(LINK_MAKING, "$& ");
}

function cut(line: string, longest: number): string {
  const characters = [...line];
  if (characters.length <= longest) return line;
  const shown = characters.slice(0, longest - 1).join("");
  return `${shown.trim()}…`;
}

/** In the unit that gives a whole number: 90 minutes, 24 hours, 7 days. */
function duration(minutes: number, language: string): string {
  const days = minutes / 1440;
  if (days > 2 && Number.isInteger(days)) return inWords(days, "day", language);
  const [value, unit] = minutes % 60 === 0 ? [minutes / 60, "hour"] : [minutes, "minute"];
  return inWords(value, unit, language);
}

function inWords(value: number, unit: string, language: string): string {
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" }).format(
    value,
  );
}

/** With the name of the zone, so that nobody has to guess which it is. */
function pointInTime(at: string, language: string, timeZone: string): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return at;
  const format = { dateStyle: "long", timeStyle: "short", timeZone } as const;
  try {
    const text = new Intl.DateTimeFormat(language, format).format(date);
    return timeZone === "UTC" ? `${text} UTC` : `${text} (${timeZone})`;
  } catch {
    // A zone that this machine does not know: the mail is not to fail for it.
    return timeZone === "UTC" ? at : pointInTime(at, language, "UTC");
  }
}
