/** As much of RFC 9651 as the RateLimit fields use: a list of strings with integer parameters. Strict: nothing else is read. */
export type Item = { name: string; parameters: Record<string, number> };

export function parseList(field: string | null): Item[] {
  if (field === null) throw new Error("the field is missing");
  let rest = field;
  const take = (pattern: RegExp): string => {
    const found = pattern.exec(rest);
    if (found?.index !== 0) throw new Error(`${JSON.stringify(field)}: not understood at ${rest}`);
    rest = rest.slice(found[0].length);
    return found[1] ?? found[0];
  };
  const items: Item[] = [];
  for (;;) {
    // No control characters, and a backslash only before a quote or another one (section 3.3.3).
    const name = take(/^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"/).replace(/\\(.)/g, "$1");
    const parameters: Record<string, number> = {};
    while (rest.startsWith(";")) {
      take(/^; */);
      const key = take(/^[a-z*][a-z0-9_.*-]*/);
      take(/^=/);
      parameters[key] = Number(take(/^-?\d{1,15}(?![.\d])/));
    }
    items.push({ name, parameters });
    if (rest === "") return items;
    take(/^[ \t]*,[ \t]*(?=.)/);
  }
}
