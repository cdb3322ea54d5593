/** From a mail's values to its subject, its text and its HTML. */
import Mustache from "mustache";
import { type View, viewOf } from "./content.ts";
import type { Mail } from "./mails.ts";
import { languageFor, type Templates } from "./templates.ts";

export type RenderedMail = { subject: string; text: string; html: string };

/** A paragraph that is only a link, perhaps under a line that says what it is for, or in a section for where there is one. */
const LINK_PARAGRAPH =
  /^(?:\{\{#link\}\})?(?:(?<label>[^\n]+):\n)?\{\{[{&]? *link *\}?\}\}(?:\{\{\/link\}\})?$/;
const CODE_PARAGRAPH = /^\{\{[{&]? *code *\}?\}\}$/;

/**
 * What stands in the template decides what is a link or a code. The values cannot: a device that calls itself an address
 * stays text.
 */
export function renderMail(templates: Templates, mail: Mail, productName: string): RenderedMail {
  const { tag, templates: texts } = languageFor(templates, mail.language);
  const { subject: subjectText, paragraphs, html } = texts[mail.template];
  const view = viewOf(mail, tag, productName);
  const subject = plain(subjectText, view).replace(/\s+/g, " ").trim();
  const parts = paragraphs
    .map((source) => ({ source, text: plain(source, view).trim() }))
    .filter(({ text }) => text !== "");
  return {
    subject,
    text: `${parts.map(({ text }) => text).join("\n\n")}\n`,
    html:
      html === null
        ? Mustache.render(templates.layout, {
            subject,
            language: tag,
            productName: view.productName,
            paragraphs: parts.map(({ source, text }) => htmlParagraph(source, text, view, subject)),
          })
        : Mustache.render(html, { ...view, subject, language: tag }),
  };
}

/** All names are given, so that none is looked up further out in the layout. */
function htmlParagraph(source: string, text: string, view: View, subject: string): View {
  const none = { text: null, lines: [], link: null, label: null, code: null };
  const link = LINK_PARAGRAPH.exec(source);
  if (link) {
    const label = link.groups?.label ? plain(link.groups.label, view) : subject;
    return { ...none, link: view.link, label };
  }
  return CODE_PARAGRAPH.test(source)
    ? { ...none, code: text }
    : { ...none, text, lines: text.split("\n") };
}

function plain(template: string, view: View): string {
  return Mustache.render(template, view, undefined, { escape: String });
}
