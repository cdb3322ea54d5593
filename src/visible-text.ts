/**
 * What a line that people read may be made of (UTS #39, section 3; UTR #36, section 3.1). What turns the direction of text or
 * is not seen at all makes one name look like another, or a sentence around it say something else (CVE-2021-42574).
 */

/** Scripts whose spelling needs joiners (UAX #31, section 2.3.1): with them or without, it is another word or another sign. */
const JOINED = [
  ...[
    "Arab",
    "Syrc",
    "Mand",
    "Nkoo",
    "Adlm",
    "Rohg",
    "Mong",
    "Phag",
    "Deva",
    "Beng",
    "Guru",
    "Gujr",
  ],
  ...[
    "Orya",
    "Taml",
    "Telu",
    "Knda",
    "Mlym",
    "Sinh",
    "Khmr",
    "Mymr",
    "Tibt",
    "Bali",
    "Java",
    "Lana",
  ],
];
const joined = `[${JOINED.map((script) => `\\p{scx=${script}}`).join("")}]`;
const PICTURE = String.raw`\p{Extended_Pictographic}[\ufe0e\ufe0f\p{Emoji_Modifier}]?`;

/** Where something that is not seen has its place. */
const IN_ITS_PLACE = new RegExp(
  [
    // Emoji (UTS #51, section 1.4.9): the flags of England, Scotland and Wales, families and professions, keys.
    String.raw`\u{1f3f4}\u{e0067}\u{e0062}(?:\u{e0065}\u{e006e}\u{e0067}|\u{e0073}\u{e0063}\u{e0074}|\u{e0077}\u{e006c}\u{e0073})\u{e007f}`,
    `${PICTURE}(?:\\u200d${PICTURE})*`,
    String.raw`[0-9#*]\ufe0f\u20e3`,
    `(?<=${joined})\\u200d`,
    `(?<=${joined})\\u200c(?=${joined})`,
    // Which form of a character is meant, as Japanese names have it.
    String.raw`(?<=\p{sc=Han})[\ufe00-\ufe02\u{e0100}-\u{e01ef}]`,
    String.raw`(?<=\p{sc=Mong})[\u180b-\u180f]`,
  ].join("|"),
  "gu",
);

const BREAKS = /[\p{Cc}\p{Zl}\p{Zp}]/u;
const TURNS = /\p{Bidi_Control}/u;
/** Blank as well, by no property: U+2800, the marks of annotations and of objects that are not there, and what joins hieroglyphs. */
const UNSEEN =
  /[\p{Default_Ignorable_Code_Point}\p{Co}\p{Cs}\p{Noncharacter_Code_Point}\u2800\ufff9-\ufffc\u{13430}-\u{13455}]/u;
/** UTS #39, section 5.4: what runs over the lines above and below. */
const PILED = /\p{Mn}{5}/u;

/** What is wrong with it, in words; null for text that shows itself as it is. */
export function faultOfVisibleText(text: string): string | null {
  if (BREAKS.test(text)) return "May not hold line breaks or other control characters";
  if (TURNS.test(text)) return "May not hold characters that turn the direction of text";
  if (UNSEEN.test(text) && UNSEEN.test(text.replace(IN_ITS_PLACE, "")))
    return "May not hold invisible characters: type it again instead of pasting it";
  return PILED.test(text) ? "May not pile up more than four accents" : null;
}
