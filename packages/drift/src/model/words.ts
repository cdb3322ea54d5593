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
 * may create a table chooses it. Line ends and tabs stay. Commands of runners begin a line with `::`, or are `##[…]` and
 * `##name[…]` anywhere in it.
 */
export function visible(text: string): string {
  return text
    .replace(OBEYED, escaped)
    .replace(/^(\s*):(?=:)/gm, (_, space: string) => `${space}${escaped(":")}`)
    .replace(/#(?=#\w*\[)/g, escaped);
}

/** The same for what must be one line. */
export function visibleLine(text: string): string {
  return visible(text.replace(/[\t\r\n]/g, escaped));
}

/** What steers, what is not seen, and what turns the direction of the rest; but for the mark that makes a sign a picture. */
const OBEYED =
  /(?![\t\n]|(?<=\p{Extended_Pictographic})\ufe0f)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu;

/** As JSON writes it. */
function escaped(character: string): string {
  return character
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}
