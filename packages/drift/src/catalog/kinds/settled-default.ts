/**
 * One text for types and defaults that mean the same. `timestamp(6)` is what `timestamp` is, `now()` is CURRENT_TIMESTAMP,
 * and a value may be written with a cast that the column makes anyway, or as ARRAY[…] for '{…}'. Prisma writes the one, its
 * users the other, and no row ever shows which. What is not known to be the same stays as it is.
 */
import { listAt, masked } from "./settled-text.ts";

const TYPE = String.raw`(?:[a-z0-9_. ]|"(?:[^"]|"")*")+(?:\([\d,-]+\))?(?: with(?:out)? time zone)?(?:\[\])*`;
const ATOM = String.raw`'(?:[^']|'')*'|-?\d+(?:\.\d+)?|true|false|NULL`;
const CAST = new RegExp(`^(.*)::(${TYPE})$`, "s");
const WHOLE_ATOM = new RegExp(`^(?:${ATOM})$`);

const FULL_PRECISION =
  /\b((?:timestamp|time|interval)(?: (?:year|month|day|hour|minute|second)(?: to \w+)?)?)\(6\)/g;
const CLOCK = /(?<![\w.$])(?:now|transaction_timestamp)\(\)|\bCURRENT_TIMESTAMP\(6\)/g;
const LOCAL_CLOCK = /\bLOCALTIME(STAMP)?\(6\)/g;
/** A cast of the clock that another name of it makes, and one that it has already. */
const CAST_CLOCKS = [
  [/\(CURRENT_TIMESTAMP\)::timestamp(?:\(6\))? with time zone/g, "CURRENT_TIMESTAMP"],
  [/\(CURRENT_TIMESTAMP\)::timestamp(?:\(6\))? without time zone/g, "LOCALTIMESTAMP"],
  [/\((?:CURRENT_TIMESTAMP|LOCALTIMESTAMP)\)::date/g, "CURRENT_DATE"],
  [/\((?:CURRENT_TIMESTAMP|LOCALTIMESTAMP)\)::time(?:\(6\))? without time zone/g, "LOCALTIME"],
] as const;
/** What ends a type, and what ends a default: nothing of it stands in brackets there. */
const AFTER_TYPE = / (?:COLLATE|NOT NULL|NO INHERIT|NOT VALID|DEFAULT|GENERATED|OPTIONS) |;|$/;
const AFTER_DEFAULT = /; | OPTIONS \(| NOT NULL$|$/;

const TEXTS = ["text", "character varying"];
const INTEGERS = ["smallint", "integer", "bigint"];
const NUMBERS = [...INTEGERS, "numeric", "double precision", "real"];

/** The same moment by one name, wherever an expression asks for it. */
export function settledClocks(definition: string): string {
  const local = replaced(definition, LOCAL_CLOCK, "LOCALTIME$1");
  let text = replaced(local, CLOCK, "CURRENT_TIMESTAMP");
  for (const [cast, clock] of CAST_CLOCKS) text = replaced(text, cast, clock);
  return text;
}

/** The definition of a column or a domain; one of a type whose attributes have types. */
export function settledTypes(definition: string): string {
  return replaced(definition, FULL_PRECISION, "$1");
}

/** The definition of a column or of a domain with its default as the type takes it. */
export function settledDefault(definition: string): string {
  const { mask } = masked(definition);
  const start = mask.indexOf(" DEFAULT ");
  if (start === -1) return definition;
  const from = start + " DEFAULT ".length;
  const to = from + mask.slice(from).search(AFTER_DEFAULT);
  const type = definition.slice(0, mask.search(AFTER_TYPE)).replace(/^AS /, "");
  const value = settledValue(definition.slice(from, to), type);
  const text = value === null ? "" : ` DEFAULT ${value}`;
  return definition.slice(0, start) + text + definition.slice(to);
}

/** Null for a default that is none. */
function settledValue(expression: string, type: string): string | null {
  const value = settledClocks(expression);
  const clock = settledClock(value, type);
  if (clock) return clock;
  if (type.endsWith("[]")) return settledArray(value, baseOf(type.slice(0, -2))) ?? value;
  const base = baseOf(type);
  const atom = atomOf(value, base);
  // A domain may have a default of its own, which NULL takes away.
  if (atom === "NULL") return base.includes(".") ? value : null;
  if (atom === null) return value;
  if (TEXTS.includes(base)) return `${atom}::${base}`;
  if (base === "character") return `${atom}::bpchar`;
  if (NUMBERS.includes(base)) return numberText(unquoted(atom));
  if (base === "money") return moneyText(unquoted(atom));
  return ["json", "jsonb"].includes(base) ? `${atom}::${base}` : value;
}

/** The moment, the day or the time of day, whichever the column keeps of it. */
function settledClock(value: string, type: string): string | null {
  const [, digits] = /\((\d)\)/.exec(type) ?? [];
  const same = ["CURRENT_TIMESTAMP", `CURRENT_TIMESTAMP(${digits})`];
  if (type === "date" && ["CURRENT_TIMESTAMP", "LOCALTIMESTAMP"].includes(value))
    return "CURRENT_DATE";
  const times = ["CURRENT_TIMESTAMP", "LOCALTIMESTAMP", "LOCALTIME", `LOCALTIME(${digits})`];
  if (/^time(\(\d\))? without/.test(type) && times.includes(value)) return "LOCALTIME";
  const isLocal = /^timestamp(\(\d\))? without/.test(type);
  if (isLocal) same.push("LOCALTIMESTAMP", `LOCALTIMESTAMP(${digits})`);
  return /^timestamp/.test(type) && same.includes(value) ? "CURRENT_TIMESTAMP" : null;
}

/** The literal in a text of casts that a column of the type makes no less; null for anything else. */
function atomOf(value: string, base: string): string | null {
  const inner = /^\((.*)\)$/s.exec(value)?.[1];
  if (inner !== undefined && listAt(masked(value).mask, 1).end === value.length - 1)
    return atomOf(inner, base);
  if (WHOLE_ATOM.test(value)) return value;
  const [, text, cast] = CAST.exec(value) ?? [];
  if (text === undefined || cast === undefined || masked(value).mask[text.length] !== ":")
    return null;
  const atom = atomOf(text, base);
  return atom !== null && isIdle(cast, base, atom) ? atom : null;
}

/** Whether a value of the type is the same with the cast before it and without. */
function isIdle(cast: string, base: string, atom: string): boolean {
  if (cast === base || atom === "NULL") return true;
  if (TEXTS.includes(base)) return TEXTS.includes(cast);
  if (base === "character") return [...TEXTS, base, "bpchar"].includes(baseOf(cast));
  if (["json", "jsonb"].includes(base))
    return ["json", "jsonb"].includes(cast) && ["'{}'", "'[]'"].includes(atom);
  const isWhole = /^-?\d{1,4}$/.test(unquoted(atom));
  return (
    [...NUMBERS, "money"].includes(base) &&
    (cast === "numeric" || (isWhole && [...INTEGERS, "numeric"].includes(baseOf(cast))))
  );
}

/** As PostgreSQL prints the array itself; null where an item is more than a literal. */
function settledArray(value: string, base: string): string | null {
  const inner = /^\((.*)\)$/s.exec(value)?.[1];
  if (inner !== undefined && listAt(masked(value).mask, 1).end === value.length - 1)
    return settledArray(inner, base);
  const { mask } = masked(value);
  if (mask.startsWith("ARRAY[") && listAt(mask, "ARRAY[".length).end === value.length - 1)
    return listed(value, base);
  const [, text, cast] = CAST.exec(value) ?? [];
  if (text === undefined || !cast?.endsWith("[]") || mask[text.length] !== ":") return null;
  if (text.startsWith("'"))
    return isIdle(baseOf(cast.slice(0, -2)), base, "'0'") ? `${text}::${base}[]` : null;
  return isIdle(baseOf(cast.slice(0, -2)), base, "'0'") ? settledArray(text, base) : null;
}

function listed(value: string, base: string): string | null {
  const { commas, end } = listAt(masked(value).mask, "ARRAY[".length);
  const ends = [...commas, end];
  const items = ends.map((to, i) =>
    value.slice(i === 0 ? "ARRAY[".length : (ends[i - 1] ?? 0) + 1, to).trim(),
  );
  const atoms = items[0] === "" ? [] : items.map((item) => atomOf(item, base));
  if (!atoms.every((atom) => atom !== null)) return null;
  return `'{${atoms.map((atom) => itemText(atom).replaceAll("'", "''")).join(",")}}'::${base}[]`;
}

function itemText(atom: string): string {
  if (atom === "true" || atom === "false") return atom.charAt(0);
  if (!atom.startsWith("'")) return atom;
  const text = unquoted(atom);
  const isPlain = text !== "" && !/[\s{},"\\]/.test(text) && text.toUpperCase() !== "NULL";
  return isPlain ? text : `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/** PostgreSQL prints a number below zero in quotes, as the sign would else be an operator. */
function numberText(number: string): string {
  const short = number.includes(".") ? number.replace(/\.?0+$/, "") : number;
  if (!short.startsWith("-")) return short;
  return `'${short}'::${short.includes(".") ? "numeric" : "integer"}`;
}

/** The amount, where it is printed as in the locale C; another locale's signs may mean anything. */
function moneyText(amount: string): string {
  const [, sign, number] = /^(-?)\$?((?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)$/.exec(amount) ?? [];
  if (number === undefined) return `'${amount}'::money`;
  return numberText(`${sign}${number.replaceAll(",", "")}`);
}

function unquoted(atom: string): string {
  return atom.startsWith("'") ? atom.slice(1, -1).replaceAll("''", "'") : atom;
}

function baseOf(type: string): string {
  return type.replace(/\([\d,-]+\)/, "");
}

function replaced(text: string, pattern: RegExp, by: string): string {
  const { mask } = masked(text);
  let result = "";
  let from = 0;
  for (const match of mask.matchAll(pattern)) {
    result += text.slice(from, match.index) + match[0].replace(new RegExp(pattern.source), by);
    from = match.index + match[0].length;
  }
  return result + text.slice(from);
}
