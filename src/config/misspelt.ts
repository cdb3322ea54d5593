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
type Form = { ours: string; base: string };
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
    const meant = forms.find(
      ({ ours }) =>
        !isSet(env, ours) && (isOtherWord(written, ours) || isOtherUnit(written, value, ours)),
    );
    return meant && !meantBy(name, env, forms, () => false)
      ? [{ name, message: `is no variable of Tenantry. If it is meant for it: ${meant.ours}` }]
      : [];
  });
}

function foreignIn(env: Variables, forms: Form[]): [name: string, value: string][] {
  const known = new Set(forms.map(({ ours }) => ours));
  return Object.entries(env).flatMap(([name, value]): [string, string][] =>
    value && !known.has(name) && !isServiceLink(name, value) ? [[name, value]] : [],
  );
}

/** Each of ours, and the variable that names its file. */
function formsOf(names: readonly string[]): Form[] {
  return names.flatMap((base) => [
    { ours: base, base },
    { ours: fileVariableOf(base), base },
  ]);
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

function meantBy(name: string, env: Variables, forms: Form[], fits: Fits): string | undefined {
  const value = env[name] ?? "";
  const written = plain(name);
  const alias = written.replace(PREFIX, "").replace(/URI(?=_|$)/, "URL");
  // These may well be another program's, where ours is set as it should be.
  if (alias !== written && forms.some(({ ours }) => ours === alias))
    return isSet(env, alias) ? undefined : alias;
  const slips = forms.filter(
    ({ ours, base }) =>
      isSlip(alias, ours, base, () => ours === base && fits(ours, value)) &&
      !(isOtherNumber(alias, ours) && isSet(env, ours)),
  );
  const [nearest] = slips.toSorted((a, b) => distance(alias, a.ours) - distance(alias, b.ours));
  const other = () =>
    forms.find(({ ours }) => isOtherForm(alias, value, ours) && !isSet(env, ours));
  return (nearest ?? other())?.ours;
}

/** Whether somebody who meant `ours` would have written this. */
function isSlip(name: string, ours: string, base: string, fits: () => boolean): boolean {
  const [bare, joined] = [name.replaceAll("_", ""), ours.replaceAll("_", "")];
  // Most are: nothing else is looked at.
  if (Math.abs(bare.length - joined.length) > MOST_SLIPS) return false;
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
  return isReordered(name, ours) || name.replace(/^EMAIL_/, "MAIL_") === ours;
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
