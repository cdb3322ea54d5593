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
