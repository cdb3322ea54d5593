/**
 * Names of the environment that look like one of ours and are none: REGISTRATON=closed would leave registration open. The
 * environment is full of what others put there, and a start must not end for these. So what stops it is a slip: our words, each as
 * it is or as fingers get it wrong, in one or in several; another word makes another name. What may be either is only told.
 */
import { fileVariableOf } from "./secret-files.ts";
import { distance, isSwappedOrDoubled, isTyped } from "./slips.ts";

type Variables = Record<string, string | undefined>;
export type Misspelt = { name: string; message: string };
/** `base` is `ours` without _FILE. */
type Form = { ours: string; base: string } & Outline;
/** What a name is told apart by without a look at its words: how many letters, and which. */
type Outline = { size: number; letters: number };
type Forms = { known: Set<string>; bySize: Map<number, Form[]>; byStem: Map<string, Form[]> };
/** Whether one of ours may hold this. */
type Fits = (ours: string, value: string) => boolean;

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
/** 5000, 10s, 1 MB: a key in hexadecimals is none. */
const AMOUNT = /^\d{1,12} ?[a-z]{0,12}$/i;
/** Every program has its own of these, and calls it so. */
const EVERYBODYS = /_TIMEOUT$/;
/** Below this many letters without the underscores too many words are near: MFA, PORT, JOBS. */
const SHORTEST_JOINED = 6;
/** A word alone of so many letters or fewer has others near it: ISSUE, JOB, PORTS. */
const SHORT_ALONE = 6;
const MOST_SLIPS = 2;
/** A slip takes one letter and brings another, and a plural takes Y for IES. */
const MOST_OTHER_LETTERS = 2 * MOST_SLIPS;
/** Nobody meant one of ours by what is longer. */
const LONGEST_NAME = 100;
const UNDERSCORE = 95;

/**
 * What must be a slip. @param names ours. What is not set counts as absent.
 * @param fits decides about a short word alone: JOB=off is meant for JOBS, and JOB=4711 is not.
 */
export function misspeltOf(
  env: Variables,
  names: readonly string[],
  fits: Fits = () => false,
): Misspelt[] {
  const forms = formsOf(names);
  return foreignIn(env, forms).flatMap(([name, value]) => {
    const meant = meantBy(name, env, forms, fits);
    if (meant) return [{ name, message: `is no variable of Tenantry. Did you mean ${meant}?` }];
    return /^RATE_LIMIT_/.test(name) && LIMIT_VALUE.test(value)
      ? [{ name, message: "is none of the limits that there are" }]
      : [];
  });
}

/** What may be a slip, and may as well be another program's: EMAIL_FROM, REPLICA_DATABASE_URL, DATABASE_TIMEOUT. */
export function doubtfulOf(env: Variables, names: readonly string[]): Misspelt[] {
  const forms = formsOf(names);
  return foreignIn(env, forms).flatMap(([name, value]) => {
    const written = plain(name).replace(PREFIX, "");
    const alike = [...formsNear(forms, written), ...formsNear(forms, mailOf(written))];
    const meant = alike.find(
      ({ ours }) =>
        !isSet(env, ours) && (isOtherWord(written, ours) || isOtherUnit(written, value, ours)),
    );
    return meant && !isServiceLink(name, value) && !meantBy(name, env, forms, () => false)
      ? [{ name, message: `is no variable of Tenantry. If it is meant for it: ${meant.ours}` }]
      : [];
  });
}

function foreignIn(env: Variables, { known }: Forms): [name: string, value: string][] {
  return Object.entries(env).flatMap(([name, value]): [string, string][] =>
    value && name.length <= LONGEST_NAME && !known.has(name) ? [[name, value]] : [],
  );
}

/** Each of ours, and the variable that names its file. */
function formsOf(names: readonly string[]): Forms {
  const all = names.flatMap((base) =>
    [base, fileVariableOf(base)].map((ours) => ({ ours, base, ...outlineOf(ours) })),
  );
  return {
    known: new Set(all.map(({ ours }) => ours)),
    bySize: Map.groupBy(all, ({ size }) => size),
    byStem: Map.groupBy(all, ({ ours }) => stemOf(ours)),
  };
}

function outlineOf(name: string): Outline {
  let [size, letters] = [0, 0];
  for (let at = 0; at < name.length; at += 1) {
    const code = name.charCodeAt(at);
    if (code === UNDERSCORE) continue;
    size += 1;
    letters |= 1 << (code % 32);
  }
  return { size, letters };
}

/**
 * Those that a name may be meant for. An environment holds hundreds of names, and ours are over a hundred: a start that
 * compared each word of each with each would take a tenth of a second for it.
 */
function formsNear({ bySize, byStem }: Forms, name: string): Form[] {
  const { size, letters } = outlineOf(name);
  const near: Form[] = [];
  for (let each = size - MOST_SLIPS; each <= size + MOST_SLIPS; each += 1)
    for (const form of bySize.get(each) ?? [])
      if (bitsOf(form.letters ^ letters) <= MOST_OTHER_LETTERS) near.push(form);
  const ofStem = byStem.get(stemOf(name));
  return ofStem ? [...new Set([...near, ...ofStem])] : near;
}

function stemOf(name: string): string {
  return name.replace(UNIT, "");
}

function bitsOf(mask: number): number {
  let count = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}

function isServiceLink(name: string, value: string): boolean {
  return SERVICE_LINK.test(name) || (SERVICE_PORT.test(name) && SERVICE_ADDRESS.test(value));
}

function isSet(env: Variables, ours: string): boolean {
  return Boolean(env[ours] || env[fileVariableOf(ours)] || env[ours.replace(/_FILE$/, "")]);
}

/** Without what is no letter's slip: the case, and hyphens and dots for underscores. */
function plain(name: string): string {
  return name.toUpperCase().replace(/[.-]/g, "_");
}

function meantBy(name: string, env: Variables, forms: Forms, fits: Fits): string | undefined {
  const value = env[name] ?? "";
  const written = plain(name);
  const alias = written.replace(PREFIX, "").replace(/URI(?=_|$)/, "URL");
  // These may well be another program's, where ours is set as it should be.
  if (alias !== written && forms.known.has(alias))
    return isSet(env, alias) || isServiceLink(name, value) ? undefined : alias;
  const near = formsNear(forms, alias);
  if (near.length === 0 || isServiceLink(name, value)) return undefined;
  const slips = near.filter(
    ({ ours, base }) =>
      isSlip(alias, ours, base, () => ours === base && fits(ours, value)) &&
      !(isOtherNumber(alias, ours) && isSet(env, ours)),
  );
  const [nearest] = slips.toSorted((a, b) => distance(alias, a.ours) - distance(alias, b.ours));
  const other = () => near.find(({ ours }) => isOtherForm(alias, value, ours) && !isSet(env, ours));
  return (nearest ?? other())?.ours;
}

/** Whether somebody who meant `ours` would have written this. */
function isSlip(name: string, ours: string, base: string, fits: () => boolean): boolean {
  const [bare, joined] = [name.replaceAll("_", ""), ours.replaceAll("_", "")];
  if (joined.length >= SHORTEST_JOINED && bare === joined) return true;
  const words = name.split("_");
  const ownWords = ours.split("_");
  // An underscore less, and a slip besides.
  if (words.length < ownWords.length && joined.length >= 9 && distance(bare, joined) === 1)
    return true;
  if (words.length !== ownWords.length) return false;
  const count = base.split("_").length;
  const slips = ownWords.map((own, at) => distance(words[at] ?? "", own));
  if (slips.reduce((sum, each) => sum + each, 0) > MOST_SLIPS) return false;
  return ownWords.every((own, at) => {
    const word = words[at] ?? "";
    return (
      word === own ||
      (count === 1 && at === 0 ? isSlipAlone(word, own, fits) : isSlipOf(word, own, count))
    );
  });
}

function isSlipAlone(word: string, own: string, fits: () => boolean): boolean {
  if (own.length > SHORT_ALONE) return isSlipOf(word, own, 1);
  if (isSwappedOrDoubled(word, own)) return true;
  const isMore = own.length >= 5 && word === `${own}S`;
  return (isTyped(word, own) || isMore) && fits();
}

/** @param count of how many words the name is: with two others beside it even a short one is no other word. */
function isSlipOf(word: string, own: string, count: number): boolean {
  if (own.length >= 9) return distance(word, own) <= 2;
  return own.length >= 5 || count >= 3 ? distance(word, own) === 1 : isTyped(word, own);
}

/** As ours in another number or order, or with its unit left out or another one: SECRET_KEYS, ACCESS_TOKEN_TTL=600. */
function isOtherForm(name: string, value: string, ours: string): boolean {
  if (!name.includes("_")) return false;
  if (isReordered(name, ours)) return !/(^|_)URL(_|$)/.test(ours);
  if (isOtherUnit(name, value, ours)) return !EVERYBODYS.test(ours.replace(UNIT, ""));
  return isOtherNumber(name, ours);
}

/** Others put a word in front of a URL, to tell it from their other ones, and mail is e-mail to many. */
function isOtherWord(name: string, ours: string): boolean {
  return isReordered(name, ours) || mailOf(name) === ours;
}

function mailOf(name: string): string {
  return name.replace(/^EMAIL_/, "MAIL_");
}

function isReordered(name: string, ours: string): boolean {
  if (name === ours || name.length !== ours.length) return false;
  return name.split("_").toSorted().join() === ours.split("_").toSorted().join();
}

function isOtherUnit(name: string, value: string, ours: string): boolean {
  const stem = ours.replace(UNIT, "");
  return (
    stem !== ours && stem.includes("_") && name.replace(UNIT, "") === stem && AMOUNT.test(value)
  );
}

function isOtherNumber(name: string, ours: string): boolean {
  const [words, ownWords] = [name.split("_"), ours.split("_")];
  if (words.length !== ownWords.length) return false;
  const others = ownWords.flatMap((own, at) => (own === words[at] ? [] : [[words[at] ?? "", own]]));
  // With two it is a name of its own: Express has TRUST_PROXY.
  return others.length === 1 && others.every(([word = "", own = ""]) => isOtherNumberOf(word, own));
}

function isOtherNumberOf(word: string, own: string): boolean {
  const [short = "", long = ""] = [word, own].toSorted((a, b) => a.length - b.length);
  // TRUST_PROXY_HOPS
  if (short.length >= 5 && long.startsWith(short) && long.length - short.length <= 2) return true;
  return long === `${short}S` || long === `${short.replace(/Y$/, "I")}ES`;
}
