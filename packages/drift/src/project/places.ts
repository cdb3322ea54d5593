/**
 * Where an object is declared. Which file, the replay knows for certain: the last one that changed the object. The line
 * is looked up in the text of that file, and there is none where the text does not tell.
 */

import { isRole } from "../catalog/roles.ts";
import { replayIn } from "../database/provenance.ts";
import type { ReplayOptions, Script } from "../database/replay.ts";
import type { ScratchServer } from "../database/scratch.ts";
import type { Finding, Place } from "../model/finding.ts";
import { keyOf } from "../model/object.ts";
import { type Names, namesOf } from "./names.ts";
import { lineInPrismaSchema } from "./prisma-lines.ts";

/** The files that make one side of a comparison. */
export type Declaration = {
  scripts: Script[];
  /** Path of the script that declares an object, by its key; null where only a second replay tells. */
  declaredIn: Map<string, string> | null;
};

/** What files declare: not what is only in the database, and not a role, which no file of SQL makes. */
export function isDeclared(finding: Finding): boolean {
  return finding.expected !== null && !isRole(finding);
}

/** The places of findings, by key. A second replay costs, and so is made only for what differs. */
export async function findPlaces(
  findings: Finding[],
  { scripts, declaredIn }: Declaration,
  server: ScratchServer,
  options: ReplayOptions & { onProgress?: (step: string) => void },
): Promise<Map<string, Place>> {
  if (declaredIn || findings.length === 0)
    return placesOf(findings, declaredIn ?? new Map(), scripts);
  options.onProgress?.("finding out where objects are declared");
  const replayed = await replayIn(server, scripts, options, suspectsOf(findings, scripts));
  return placesOf(findings, replayed.declaredIn, scripts);
}

/** How many scripts that seem to declare a finding are looked at. */
const MOST_SUSPECTS = 3;

/** The scripts whose text seems to declare a finding, or else to be about what it belongs to; the likeliest of all first. */
function suspectsOf(findings: Finding[], scripts: Script[]): number[] {
  const found = findings.map((finding) => {
    const names = namesOf(finding);
    const places = (isSuspect: (script: Script) => boolean) =>
      scripts
        .flatMap((script, place) => (isSuspect(script) ? [place] : []))
        .slice(-MOST_SUSPECTS)
        .reverse();
    const declaring = places(
      (script) => script.sources !== undefined || lineInSql(script.sql, names) !== null,
    );
    if (declaring.length > 0) return declaring;
    const about = new RegExp(word(names.owner ?? names.own));
    return places(({ sql }) => about.test(sql));
  });
  const ranks = Array.from({ length: MOST_SUSPECTS }, (_, rank) => rank);
  return [...new Set(ranks.flatMap((rank) => found.flatMap((places) => places[rank] ?? [])))];
}

/** The same where it is known which script declares what. */
export function placesOf(
  findings: Finding[],
  declaredIn: Map<string, string>,
  scripts: Script[],
): Map<string, Place> {
  const byPath = new Map(scripts.map((script) => [script.path, script]));
  const places = new Map<string, Place>();
  for (const finding of findings) {
    const path = declaredIn.get(keyOf(finding));
    if (path !== undefined) places.set(keyOf(finding), placeIn(byPath.get(path), path, finding));
  }
  return places;
}

/** The place in the text of a script; without the text, the file alone. */
function placeIn(script: Script | undefined, path: string, finding: Finding): Place {
  const names = namesOf(finding);
  if (!script) return { path, line: null };
  if (!script.sources) return { path, line: lineInSql(script.sql, names) };
  const found = lineInPrismaSchema(
    script.sources,
    ofColumn(finding) ?? names,
    finding.expected ?? "",
  );
  return found ?? { path, line: null };
}

/** What belongs to a column, or is attached to one, is where its field is. */
function ofColumn({ name, parent }: Finding): Names | null {
  const key = /^on (column .*?)(?: to \S+)?$/.exec(name)?.[1] ?? parent;
  const [, table, column] = /^column [^.]+\.(.+)\.("(?:[^"]|"")+"|[^.]+)$/.exec(key) ?? [];
  if (table === undefined || column === undefined) return null;
  return namesOf({ kind: "column", name: `${table}.${column}`, parent: `table public.${table}` });
}

/**
 * The first line that declares the name, in a statement that is about its owner. What ends a statement is, near enough,
 * a line that ends in a semicolon; comments and DROP declare nothing.
 */
export function lineInSql(sql: string, names: Names): number | null {
  const { declares, about } = patternsOf(names);
  const lines = sql.split(/\r?\n/).map((line) => line.replace(/^\s*(--|DROP\b).*/i, ""));
  let start = 0;
  for (const [index, line] of lines.entries()) {
    if (!/;\s*(--.*)?$/.test(line) && index < lines.length - 1) continue;
    const statement = lines.slice(start, index + 1);
    const found = statement.findIndex((line) => declares.test(line));
    if (found >= 0 && about.test(statement.join("\n"))) return start + found + 1;
    start = index + 1;
  }
  return null;
}

/** What a line must look like to declare the name, and not only to use it, and what its statement must look like. */
function patternsOf({ kind, own, owner }: Names): { declares: RegExp; about: RegExp } {
  const name = word(own);
  if (owner === null)
    return {
      declares: new RegExp(`\\b(?:${anyCase(`${kind.split(" ").at(-1)}|TYPE`)})\\b[^(;]*${name}`),
      about: /(?:)/,
    };
  if (kind !== "column") return { declares: new RegExp(name), about: new RegExp(word(owner)) };
  // Many statements name a column; those that declare it have a type or an ALTER behind the name.
  const table = `\\b${anyCase("TABLE")}\\b`;
  const before = `(^|,|\\b(?:${anyCase("ADD|ALTER|COLUMN|EXISTS")})\\s|${table}[^(]*\\()`;
  const after = `\\s+(?!(?:${anyCase("IS|IN|AND|OR|NOT|LIKE|BETWEEN")})\\b)["\\w]`;
  return {
    declares: new RegExp(`${before}\\s*${name}${after}`),
    about: new RegExp(`${table}[^(;]*${word(owner)}`),
  };
}

/** The name as SQL writes it: without quotes in any case where it is all small, else in quotes as it is. */
function word(name: string): string {
  const quoted = `"${name.replaceAll('"', '""').replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}"`;
  return /^[a-z_][a-z0-9_$]*$/.test(name)
    ? `(?:${quoted}|(?<![\\w$"])${anyCase(name.replaceAll("$", "\\$"))}(?![\\w$"]))`
    : quoted;
}

/** The words in capitals, in small letters or mixed. */
function anyCase(words: string): string {
  return words.replace(/[a-z]/gi, (letter) => `[${letter.toLowerCase()}${letter.toUpperCase()}]`);
}
