/** The texts of mails: a folder with one folder a language, read and tried at start. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Mustache from "mustache";
import { EXAMPLES, TEMPLATE_NAMES, viewOf } from "./content.ts";
import type { MailTemplate } from "./mails.ts";

export type Template = {
  subject: string;
  /** Mustache texts, each complete in itself. */
  paragraphs: string[];
  /** The whole HTML part, where a team wrote its own. */
  html: string | null;
};

export type Language = { tag: string; templates: Record<MailTemplate, Template> };

export type Templates = {
  layout: string;
  /** By language tag in lower case. */
  languages: ReadonlyMap<string, Language>;
  fallback: Language;
};

const FALLBACK = "en";
const LANGUAGE_TAG = /^[a-z]{2,3}(-[a-z0-9]{2,8})*$/i;
const SUBJECT = /^Subject: *(\S.*)$/;
const HTML_VARIABLES = ["subject", "language"];
const LAYOUT_VARIABLES = [
  ...HTML_VARIABLES,
  "paragraphs",
  "text",
  "lines",
  ".",
  "link",
  "label",
  "code",
  "productName",
];

/** What is wrong with a mail template. The message names the file. */
export class TemplateError extends Error {
  override name = "TemplateError";
}

/** @throws TemplateError when a file is missing, does not parse, or uses a name that its mail has not. */
export function loadTemplates(folder: string): Templates {
  const languages = new Map(
    folders(folder)
      .filter((name) => LANGUAGE_TAG.test(name))
      .map((tag) => [tag.toLowerCase(), { tag, templates: loadLanguage(folder, tag) }]),
  );
  const fallback = languages.get(FALLBACK);
  if (!fallback)
    throw new TemplateError(
      `${join(folder, FALLBACK)}: missing. English is what every other language falls back to.`,
    );
  const file = join(folder, "layout.html");
  const layout = read(file);
  assertNames(file, layout, LAYOUT_VARIABLES);
  // Until a mail is written nobody asks for what was parsed: 13,000 objects.
  Mustache.clearCache();
  return { layout, languages, fallback };
}

/** What is wrong with the folder, in words; null when nothing is. */
export function faultOfTemplates(folder: string): string | null {
  try {
    loadTemplates(folder);
    return null;
  } catch (err) {
    if (err instanceof TemplateError) return err.message;
    throw err;
  }
}

/** The texts in the first of these languages that has any (RFC 4647, section 3.4): de-AT, else de, else the next, else English. */
export function languageFor({ languages, fallback }: Templates, tags: string | null): Language {
  for (const tag of tags?.toLowerCase().split(",") ?? [])
    for (const parts = tag.split("-"); parts.length > 0; parts.pop()) {
      const language = languages.get(parts.join("-"));
      if (language) return language;
    }
  return fallback;
}

function loadLanguage(folder: string, tag: string): Language["templates"] {
  const entries = TEMPLATE_NAMES.map((name) => [name, loadTemplate(join(folder, tag), name)]);
  return Object.fromEntries(entries);
}

function loadTemplate(folder: string, name: MailTemplate): Template {
  const file = join(folder, `${name}.txt`);
  const [first = "", second, ...lines] = read(file).replaceAll("\r\n", "\n").split("\n");
  const subject = SUBJECT.exec(first)?.[1];
  if (!subject || second?.trim() !== "")
    throw new TemplateError(`${file}: must begin with "Subject: …" and an empty line.`);
  const paragraphs = lines
    .join("\n")
    .trim()
    .split(/\n\s*\n/)
    .filter(Boolean);
  if (paragraphs.length === 0) throw new TemplateError(`${file}: has no text.`);

  // The same in every language.
  const names = Object.keys(viewOf(EXAMPLES[name], FALLBACK, ""));
  const used = [subject, ...paragraphs].flatMap((part) => assertNames(file, part, names));
  assertUsable(file, name, used);
  const htmlFile = join(folder, `${name}.html`);
  const html = read(htmlFile, null);
  if (html !== null)
    assertUsable(htmlFile, name, assertNames(htmlFile, html, [...names, ...HTML_VARIABLES]));
  return { subject, paragraphs, html };
}

/** What expires is there to be used. */
function assertUsable(file: string, name: MailTemplate, used: readonly string[]): void {
  if ("minutes" in EXAMPLES[name] && !used.includes("link") && !used.includes("code"))
    throw new TemplateError(`${file}: holds neither {{link}} nor {{code}}.`);
}

/** Mustache writes nothing where a name is wrong: a mail without its link would go out. Answers the names in the text. */
function assertNames(file: string, text: string, known: readonly string[]): string[] {
  // The library makes its expressions for each text, and half of them have no tag.
  const names = text.includes("{{") ? namesIn(parse(file, text)) : [];
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new TemplateError(
      `${file}: {{${unknown}}} is not known here. There is: ${known.join(", ")}.`,
    );
  return names;
}

function parse(file: string, text: string): Token[] {
  try {
    return Mustache.parse(text) as Token[];
  } catch (err) {
    throw new TemplateError(
      `${file}: ${err instanceof Error ? err.message : err}. A tag may not span paragraphs.`,
    );
  }
}

/** Kind, value, start and end; of a section also what is in it, of a partial its indentation. */
type Token = [kind: string, value: string, start: number, end: number, rest?: Token[] | string];

function namesIn(tokens: Token[]): string[] {
  return tokens.flatMap(([kind, value, , , rest]) =>
    kind === "text"
      ? []
      : [kind === ">" ? `> ${value}` : value, ...(Array.isArray(rest) ? namesIn(rest) : [])],
  );
}

function folders(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort();
  } catch (err) {
    throw new TemplateError(`${folder}: cannot be read (${codeOf(err)}). MAIL_TEMPLATES names it.`);
  }
}

function read(file: string): string;
function read(file: string, absent: null): string | null;
function read(file: string, absent?: null): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch (err) {
    if (absent === null && codeOf(err) === "ENOENT") return null;
    throw new TemplateError(
      `${file}: ${codeOf(err) === "ENOENT" ? "missing" : `cannot be read (${codeOf(err)})`}.`,
    );
  }
}

function codeOf(err: unknown): unknown {
  return err instanceof Error && "code" in err ? err.code : err;
}
