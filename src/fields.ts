/** Fields that several schemas share. */
import { toASCII } from "tr46";
import { z } from "zod";
import { faultOfVisibleText } from "./visible-text.ts";

/**
 * Text of `max` characters at most, for whatever is looked at more closely. The length comes first and ends the matter:
 * no pattern, no trimming and no change of case runs over what is longer. zod goes on after a fault unless it is told
 * to stop, and its own formats (`z.email()`) look before any length is asked.
 */
export function text(max: number) {
  return z.string().max(max, { abort: true });
}

/**
 * The form of an address in ASCII: before the @ a Dot-string of RFC 5321, section 4.1.2, and so neither a text in quotes nor
 * one outside ASCII, behind it labels. In single runs and glances ahead, none within another: so it takes time in proportion
 * to the text, whatever the text. It stands in the CHECKs of users and invitations too, with the two lengths below
 * (migrations-sql/030_users.sql, 084_invitations.sql): who changes one changes all, by a migration.
 */
export const ADDRESS =
  /^(?!\.)(?!.*\.\.)[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]*[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]@(?=[A-Za-z0-9])(?!.*\.-)[A-Za-z0-9.-]*\.(?:[A-Za-z]{2,}|[Xx][Nn]--[A-Za-z0-9-]*[A-Za-z0-9])$/;

/** The space that a phone's keyboard appends, and what is not seen and comes along when an address is copied. No line breaks. */
const UNSEEN_AROUND = /^[\t\p{Zs}\p{Cf}]+|[\t\p{Zs}\p{Cf}]+$/gu;

/** ASCII as East Asian keyboards write it. Each stands for one character, and nobody has another address of it. */
const FULL_WIDTH = /[\uff01-\uff5e]/g;
function halfWidth(char: string): string {
  return String.fromCharCode(char.charCodeAt(0) - 0xfee0);
}

/**
 * As it is stored, compared, shown and written to: the domain as A-labels (RFC 5890, 2.3.2.1), which every mail server takes
 * and in which `аpple` with a Cyrillic а looks like nothing else, and all in lower case: the part before the @ is
 * case-sensitive by the letter of RFC 5321 and by nobody's practice. Of ASCII alone: the Kelvin sign would become a k, and
 * its address somebody else's. A domain that is none is left out, and the address refused.
 */
function normalAddress(given: string): string {
  const address = given.replace(UNSEEN_AROUND, "").replace(FULL_WIDTH, halfWidth);
  const at = address.lastIndexOf("@") + 1;
  const name = address.slice(0, at).replace(/[A-Z]+/g, (capitals) => capitals.toLowerCase());
  return name + domainOf(address.slice(at));
}

/** UTS #46, nontransitional as in browsers: `straße` is not `strasse`. Empty for what is no domain. */
function domainOf(given: string): string {
  const domain = toASCII(given, {
    checkBidi: true,
    checkJoiners: true,
    useSTD3ASCIIRules: true,
    verifyDNSLength: true,
  });
  // RFC 1123, section 2.1. The library's own rule of hyphens would refuse `r3---sn` too, which there is.
  return domain === null || /-(?:\.|$)/.test(domain) ? "" : domain;
}

/** One fault, the first: what has no @ is not told of lengths. */
function faultOfAddress(address: string): string | null {
  if (/^[^@]{65,}@/.test(address)) return "May have 64 characters at most before the @";
  if (!ADDRESS.test(address)) return "Must be an e-mail address, such as ada@example.com";
  return address.length > 254 ? "May have 254 characters at most" : null;
}

/** In its normal form. Typed decomposed or with spaces around it, it may be longer than it will be. */
export const Address = text(508)
  .overwrite(normalAddress)
  .superRefine((address, ctx) => {
    const message = faultOfAddress(address);
    if (message) ctx.addIssue({ code: "custom", message, continue: false });
  })
  .meta({ format: "email", maxLength: 254 });

/** RFC 2606: no mail reaches `.invalid`. Service accounts have such addresses (users_service_check), and who is erased. */
export const Email = Address.refine(
  (address) => !address.endsWith(".invalid"),
  "Not an address that mail can reach",
);

/** An id in a request. RFC 9562, section 4, takes capitals; answers and comparisons have the one form that is stored. */
export const Id = z.uuid().toLowerCase();

/** The spaces of keyboards and of copied cells; what ends a line for Unicode alone nobody types. */
const SPACES_AROUND = /^[^\S\u2028\u2029\ufeff]+|[^\S\u2028\u2029\ufeff]+$/g;

/**
 * One line of text of which all is seen, without the spaces around it and in NFC; more of these than of text are no slip of
 * the finger. Everything that people name goes through it.
 */
export function line(max: number) {
  return text(2 * max)
    .overwrite((given) => given.replace(SPACES_AROUND, "").normalize("NFC"))
    .min(1, { abort: true })
    .max(max, { abort: true })
    .superRefine((given, ctx) => {
      const message = faultOfVisibleText(given);
      if (message) ctx.addIssue({ code: "custom", message });
    });
}

/** All that is no letter and no digit, and the long vowel mark that a Japanese keyboard has for a hyphen. */
const SEPARATORS = /[^\p{L}\p{N}]|\u30fc/gu;

/**
 * A code as it was printed, however it was typed or copied: full-width letters and the digits of other scripts are those of
 * ASCII, and what groups them is dropped. The one way to read codes: six digits of a mail or an app, and recovery codes.
 */
export const TypedCode = text(64).transform((code) =>
  code
    .normalize("NFKC")
    .replace(SEPARATORS, "")
    .replace(/[^\P{Nd}0-9]/gu, digitOf),
);

/** Of a code of digits the digits: the words around it were copied with it. */
export const TypedDigits = TypedCode.transform((code) => code.replace(/[^0-9]+/g, ""));

/** Digits stand in runs from zero to nine (The Unicode Standard, section 4.6), of which a few stand side by side. */
function digitOf(char: string): string {
  const point = char.codePointAt(0) ?? 0;
  let before = 0;
  while (/\p{Nd}/u.test(String.fromCodePoint(point - before - 1))) before += 1;
  return String(before % 10);
}

export const Slug = text(63)
  .min(2)
  .regex(
    /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/,
    "Lower-case letters, digits and hyphens, as in a host name",
  );

/**
 * A language in whatever case (`DE`, `pt-br`), in the form of BCP 47: RFC 5646, section 2.1.1, has no
 * difference of case.
 */
export const LanguageTag = text(35)
  .overwrite(canonicalTag)
  .refine((tag) => /^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/.test(tag), {
    error: "Must be a BCP 47 tag, such as de or pt-BR",
  })
  .max(35);

/** `-u-ca-gregory`, which iOS appends, says nothing of the language. */
function canonicalTag(given: string): string {
  try {
    return new Intl.Locale(given.trim()).baseName;
  } catch {
    return "";
  }
}

/** JSON that a client keeps with us: an object, 16 KiB at most when written out, which is looked at before what is in it. */
export const JsonObject = z
  .record(z.string(), z.unknown())
  .refine((value) => Buffer.byteLength(JSON.stringify(value)) <= 16_384, "May have 16 KiB at most")
  .pipe(z.record(z.string(), z.json()));

export const LONGEST_PAGE = 100;

export const PageQuery = z.strictObject({
  limit: z.coerce.number().min(1).max(LONGEST_PAGE).int().default(20),
  cursor: z.string().min(1).max(1000).optional(),
});
export type PageQuery = z.infer<typeof PageQuery>;

/** One page of a list. @param ref its name in the OpenAPI document, which client generators take for the type's. */
export function pageOf<Item extends z.ZodType>(item: Item, ref: string) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() }).meta({ ref });
}

export const Timestamp = z.iso.datetime();

/** A moment in a request. Years of four digits, because PostgreSQL has no year 0 and writes 10000 differently. */
export const Instant = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text))
  .refine(
    (moment) => /^(?!0000)\d{4}-/.test(moment.toISOString()),
    "Must lie in the years 0001 to 9999",
  );

/** One record of a body of many and the line that it begins on; or what is wrong there. In CSV all values are text. */
export type SourceRecord = { line: number } & (
  | { value: unknown; isText: boolean }
  /** `isEnd`: nothing after it could be read. */
  | { fault: string; isEnd?: true }
);

/** Which field of a record is meant, by the names that people give it. */
export type Columns = {
  /** What the columns of a header line are called here, null for one that is left aside; or what is wrong with the line. */
  readHeader(cells: string[]): (string | null)[] | { fault: string };
  /** What a key is called here: as the column of that name. Undefined for one that is not known. */
  fieldOf(key: string): string | null | undefined;
};
