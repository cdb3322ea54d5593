/**
 * A filter for text that holds `text`, whatever its case. Prisma passes LIKE's wildcards on as they are: escaped here,
 * so that somebody who looks for "50%" or "a_b" finds that and nothing else.
 */
export function contains(text: string) {
  return { contains: literal(text), mode: "insensitive" } as const;
}

/** Text for a pattern of LIKE in which it stands for itself alone. */
export function literal(text: string): string {
  return text.replace(/[\\%_]/g, "\\$&");
}
