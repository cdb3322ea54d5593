/**
 * A filter for text that holds `text`, whatever its case. Prisma passes LIKE's wildcards on as they are: escaped here,
 * so that somebody who looks for "50%" or "a_b" finds that and nothing else.
 */
export function contains(text: string) {
  return { contains: text.replace(/[\\%_]/g, "\\$&"), mode: "insensitive" } as const;
}
