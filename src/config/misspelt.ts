/**
 * Names of the environment that look like one of ours and are none: REGISTRATON=closed would leave registration open. The
 * environment is full of what others put there, so a name must be close, word by word, to be taken for a slip.
 */
import { fileVariableOf } from "./secret-files.ts";

type Variables = Record<string, string | undefined>;
export type Misspelt = { name: string; message: string };

/**
 * What Kubernetes and Docker tell of a service that happens to be called as ours: TENANTRY_PORT_3000_TCP_ADDR, and
 * TENANTRY_PORT=tcp://10.0.0.1:3000.
 */
const SERVICE_LINK =
  /_SERVICE_(HOST|PORT)(_\w+)?$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$|_ENV_\w+$/;
const SERVICE_PORT = /_PORT$/;
const SERVICE_ADDRESS = /^(tcp|udp|sctp):\/\//;
/** In front of ours by habit. Kubernetes says where its own services are under these two. */
const PREFIX = /^TENANTRY_(?!(HOST|PORT)$)/;
/** As RATE_LIMIT_… has it, and hardly anything else in an environment. */
const LIMIT_VALUE = /^\d+\/\d+(\/\d+)?$/;
const UNIT = /_(SECONDS?|SECS?|S|MILLISECONDS|MILLIS|MS|MINUTES|MINS?|HOURS|DAYS?|BYTES?|KB|MB)$/;
/** Below this many letters without the underscores too many words are near: MFA, PORT, JOBS. */
const SHORTEST_JOINED = 6;

/** @param names ours. What is not set counts as absent. */
export function misspeltOf(env: Variables, names: readonly string[]): Misspelt[] {
  const known = new Set(names.flatMap((name) => [name, fileVariableOf(name)]));
  return Object.entries(env).flatMap(([name, value]) => {
    if (!value || known.has(name) || isServiceLink(name, value)) return [];
    const meant = meantBy(name, env, [...known]);
    if (meant) return [{ name, message: `is no variable of Tenantry. Did you mean ${meant}?` }];
    return /^RATE_LIMIT_/.test(name) && LIMIT_VALUE.test(value)
      ? [{ name, message: "is none of the limits that there are" }]
      : [];
  });
}

function isServiceLink(name: string, value: string): boolean {
  return SERVICE_LINK.test(name) || (SERVICE_PORT.test(name) && SERVICE_ADDRESS.test(value));
}

function meantBy(name: string, env: Variables, known: readonly string[]): string | undefined {
  const isSet = (ours: string) => Boolean(env[ours] || env[fileVariableOf(ours)]);
  const written = name.toUpperCase();
  // These may well be another program's, where ours is set as it should be.
  const alias = written.replace(PREFIX, "").replace(/URI(?=_|$)/, "URL");
  if (alias !== written && known.includes(alias)) return isSet(alias) ? undefined : alias;
  return (
    known.find((ours) => isSlip(alias, ours)) ??
    known.find((ours) => isOtherForm(alias, env[name] ?? "", ours) && !isSet(ours))
  );
}

/** As ours in another number or order, or with its unit left out or another one: SECRET_KEYS, DATABASE_TIMEOUT=5. */
function isOtherForm(name: string, value: string, ours: string): boolean {
  const [words, ownWords] = [name.split("_"), ours.split("_")];
  if (words.length < 2) return false;
  if (words.toSorted().join() === ownWords.toSorted().join()) return true;
  const stem = ours.replace(UNIT, "");
  if (stem !== ours && stem.includes("_") && name.replace(UNIT, "") === stem)
    return /^\d+\w*$/.test(value);
  return (
    words.length === ownWords.length &&
    ownWords.every((own, at) => isOtherNumber(words[at] ?? "", own))
  );
}

function isOtherNumber(word: string, own: string): boolean {
  const [short = "", long = ""] = [word, own].toSorted((a, b) => a.length - b.length);
  // TRUST_PROXY_HOPS
  if (short.length >= 5 && long.startsWith(short)) return true;
  return word === own || long === `${short}S` || long === `${short.replace(/Y$/, "I")}ES`;
}

/** Whether somebody who meant `ours` would have written this. */
function isSlip(name: string, ours: string): boolean {
  const joined = ours.replaceAll("_", "");
  if (joined.length >= SHORTEST_JOINED && name.replace(/[_.-]/g, "") === joined) return true;
  const words = name.split("_");
  const ownWords = ours.split("_");
  if (words.length !== ownWords.length) return false;
  const isAlone = ownWords.length === 1;
  return ownWords.every((own, at) => isSlipOfWord(words[at] ?? "", own, isAlone));
}

/**
 * A short word is near too many others (API_URL and APP_URL, HOME and HOST), so in it two letters may have changed places,
 * and no more; of four letters beside other words one may be missing or too many.
 */
function isSlipOfWord(word: string, own: string, isAlone: boolean): boolean {
  if (word === own) return true;
  if (own.length <= 3 || (isAlone && own.length <= 5)) return isSwapped(word, own);
  if (own.length === 4)
    return isSwapped(word, own) || (word.length !== own.length && distance(word, own) === 1);
  return distance(word, own) <= (own.length >= 9 ? 2 : 1);
}

function isSwapped(word: string, own: string): boolean {
  return word.length === own.length && distance(word, own) === 1 && sorted(word) === sorted(own);
}

function sorted(word: string): string {
  return [...word].sort().join("");
}

/** How many letters are missing, too many, others, or have changed places with their neighbour. */
function distance(one: string, other: string): number {
  let before: number[] = [];
  let last = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let row = 1; row <= one.length; row += 1) {
    const next = [row];
    for (let column = 1; column <= other.length; column += 1) {
      const isSame = one[row - 1] === other[column - 1];
      const swapped =
        row > 1 &&
        column > 1 &&
        one[row - 1] === other[column - 2] &&
        one[row - 2] === other[column - 1];
      next[column] = Math.min(
        (last[column] ?? 0) + 1,
        (next[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (isSame ? 0 : 1),
        swapped ? (before[column - 2] ?? 0) + 1 : Infinity,
      );
    }
    [before, last] = [last, next];
  }
  return last[other.length] ?? 0;
}
