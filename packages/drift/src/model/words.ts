/** Small turns of phrase that several messages share. */

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** The first three, and how many there are besides. */
export function fewOf(names: string[]): string {
  const rest = names.length - 3;
  return names.slice(0, 3).join(", ") + (rest > 0 ? `, and ${rest} more` : "");
}

/** A name may have any character, and a line break would end the comment or the line. */
export function oneLine(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, " ");
}

/**
 * What a terminal or the runner of a workflow would obey is shown as an escape: a name may have any character, and whoever
 * may create a table chooses it. Line ends and tabs stay.
 */
export function visible(text: string): string {
  return text
    .replace(OBEYED, (character) => escaped(character))
    .replace(/^(\s*):(?=:)/gm, (_, space: string) => `${space}${escaped(":")}`)
    .replaceAll("##[", `#${escaped("#")}[`);
}

/** The same for what must be one line. */
export function visibleLine(text: string): string {
  return visible(text.replace(/[\t\r\n]/g, (character) => escaped(character)));
}

/** Control characters, and those that are not seen or turn the direction of what follows. */
const OBEYED =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
