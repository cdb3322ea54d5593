/** The texts: every template in every language, with friendly values and with hostile ones. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { EXAMPLES, TEMPLATE_NAMES } from "../../src/mail/content.ts";
import type { Mail, MailContent, MailTemplate } from "../../src/mail/mails.ts";
import { type RenderedMail, renderMail } from "../../src/mail/render.ts";
import { loadTemplates } from "../../src/mail/templates.ts";

const templates = loadTemplates(join(import.meta.dir, "..", "..", "mail-templates"));
const LANGUAGES = ["de", "en"];
const FACTOR_MAILS = (["totp", "passkey", "recovery_codes"] as const).flatMap((factor) =>
  (["added", "removed"] as const).map((change) => ({
    template: "factor_changed" as const,
    factor,
    change,
  })),
);
const MAILS: MailContent[] = [
  ...TEMPLATE_NAMES.map((name) => EXAMPLES[name]),
  ...FACTOR_MAILS,
  { ...EXAMPLES.new_device, ip: null },
  { ...EXAMPLES.new_device, device: null },
  { ...EXAMPLES.session_stolen, device: null },
  { ...EXAMPLES.magic_link, code: null },
  { ...EXAMPLES.account_deleted, link: null },
  { ...EXAMPLES.recovery_code_used, left: 0 },
];

function render(mail: MailContent, language: string | null = "en", product = "Acme ID") {
  const whole = { ...mail, to: "ada@example.com", language } as Mail;
  return renderMail(templates, whole, product);
}

test("the shipped languages are these", () => {
  expect([...templates.languages.keys()].sort()).toEqual(LANGUAGES);
});

describe.each(LANGUAGES)("in %s", (language) => {
  test.each(MAILS)("$template says all it has to say, and leaves nothing unfilled", (mail) => {
    const { subject, text, html } = render(mail, language);
    expect(subject).toMatch(/^\S.{5,77}\S$/);
    for (const part of [subject, text, html]) {
      expect(part).not.toMatch(/\{\{|\}\}|undefined|null|NaN|\[object/);
      expect(part).not.toMatch(/ {2}\S| \n/);
    }
    expect(`${subject} ${text}`).toContain("Acme ID");
    expect(text).not.toMatch(/\n\n\n/);
    expect(html).toStartWith(`<!doctype html>\n<html lang="${language}">`);
    if ("link" in mail && mail.link !== null) {
      expect(text).toContain(`\n${mail.link}\n`);
      expect(links(html)).toEqual([mail.link, mail.link]);
      expect(html).toContain(`>${escaped(mail.link)}</a>`);
    } else {
      expect(links(html)).toEqual([]);
    }
    if ("code" in mail && mail.code !== null) {
      expect(text).toContain(`\n\n${mail.code}\n\n`);
      expect(html).toMatch(new RegExp(`font-size: 32px[^>]+>${mail.code}<`));
    }
  });

  test("each change of a factor has words of its own", () => {
    const texts = FACTOR_MAILS.map((mail) => render(mail, language).text.split("\n")[0]);
    expect(new Set(texts).size).toBe(FACTOR_MAILS.length);
  });

  test("what a mail does not have is not spoken of", () => {
    const without = render({ ...EXAMPLES.new_device, ip: null }, language).text;
    expect(render(EXAMPLES.new_device, language).text.split("\n").length).toBe(
      without.split("\n").length + 1,
    );
    const codeless = render({ ...EXAMPLES.magic_link, code: null }, language).text;
    expect(codeless).not.toContain("Code");
    expect(codeless).not.toContain("code");
  });
});

test.each([
  ["de", "de"],
  ["de-AT", "de"],
  ["DE-at-1996", "de"],
  ["en-GB", "en"],
  ["fr", "en"],
  ["", "en"],
  ["../de", "en"],
  ["__proto__", "en"],
  [null, "en"],
])("the language %p gets the texts in %s", (asked, given) => {
  expect(render(EXAMPLES.password_changed, asked)).toEqual(
    render(EXAMPLES.password_changed, given),
  );
});

test("times and durations are in the words of the language", () => {
  const minutes = (n: number, language: string) =>
    render({ ...EXAMPLES.reset_password, minutes: n }, language).text;
  expect(minutes(30, "en")).toContain("30 minutes");
  expect(minutes(60, "en")).toContain("1 hour.");
  expect(minutes(1440, "de")).toContain("24 Stunden");
  expect(render(EXAMPLES.new_device, "en").text).toContain("January 31, 2026 at 12:00 PM UTC");
  expect(render(EXAMPLES.new_device, "de").text).toContain("31. Januar 2026 um 12:00 UTC");
});

const HOSTILE = [
  "<script>alert(1)</script>",
  '"><img src=x onerror=alert(1)>',
  "{{link}}{{{productName}}}{{#tenant}}",
  "x\r\n\r\nBcc: eve@example.com\n\nLog in here:\nhttps://evil.example/",
  "Win at https://evil.example/now or www.evil.example or evil@evil.example",
  "\u202Egnp.exe\u0000\u2028",
  "a".repeat(5000),
];

test.each(HOSTILE)("a tenant called %p is text and nothing else", (name) => {
  const mails: RenderedMail[] = [
    render({ ...EXAMPLES.invitation, tenant: name }),
    render({ ...EXAMPLES.complete_registration, tenant: name }),
    render(EXAMPLES.session_stolen, "en", name),
  ];
  const plain = [EXAMPLES.invitation, EXAMPLES.complete_registration, EXAMPLES.session_stolen];
  for (const [index, { subject, text, html }] of mails.entries()) {
    const usual = render(plain[index] as MailContent);
    expect(tags(html)).toEqual(tags(usual.html));
    expect(links(html)).toEqual(links(usual.html));
    expect(subject).not.toMatch(/[\r\n]/);
    if (index === 2) continue; // The product's name is the operator's own choice.
    expect(text.split("\n").length).toBe(usual.text.split("\n").length);
    expect(text).not.toMatch(/evil\.example|:\/\/evil|www\.evil|\p{Cf}|\0/u);
    expect(text.length).toBeLessThan(usual.text.length + 400);
  }
});

test("ordinary names are not touched", () => {
  for (const tenant of ["Acme 128.0 on Linux", "Ada's shop (since 18.1)", "Müller & Söhne, Inc."])
    expect(render({ ...EXAMPLES.invitation, tenant }).text).toContain(`join ${tenant} at`);
});

test("a template has no more than its own values: none comes from the prototype", () => {
  const names: MailTemplate[] = TEMPLATE_NAMES;
  expect(names).not.toContain("constructor" as MailTemplate);
  expect(names.length).toBe(19);
});

function links(html: string): string[] {
  return [...html.matchAll(/href="([^"]*)"/g)].map(([, href = ""]) =>
    href.replaceAll("&#x2F;", "/").replaceAll("&#x3D;", "="),
  );
}

function tags(html: string): string[] {
  return [...html.matchAll(/<[^>]*?>/g)].map(([tag]) => tag.split(" ")[0] ?? "");
}

function escaped(link: string): string {
  return link.replaceAll("/", "&#x2F;").replaceAll("=", "&#x3D;");
}
