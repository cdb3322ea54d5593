/** Which types hold every value of another as it is. What is not listed may cut a value, refuse it or mean another by it. */

type Type = { name: string; sizes: number[]; isArray: boolean };

const TYPE = /^(.*?)(?: ?\(([\d,-]+)\))?( with(?:out)? time zone)?((?:\[\])*)$/;
/** Digits of the largest value. */
const DIGITS: Record<string, number> = { smallint: 5, integer: 10, bigint: 19 };
/** Types of as many digits after the point as is said, or of all that there are. */
const CLOCKS = /^(timestamp|time) with(out)? time zone$|^interval$/;
const ZONED = /^timestamp with(out)? time zone$/;
const CLOCK_DIGITS = 6;
const OTHERS: Record<string, string[]> = {
  smallint: ["real", "double precision"],
  integer: ["double precision"],
  cidr: ["inet"],
  bit: ["bit varying"],
};

/** @param from,to types as PostgreSQL prints them. True where no value is lost, whether or not rows are written anew. */
export function holdsAll(from: string, to: string): boolean {
  if (from === to) return true;
  const [narrow, wide] = [typeOf(from), typeOf(to)];
  if (!narrow || !wide || narrow.isArray !== wide.isArray) return false;
  return (
    isLongerText(narrow, wide) ||
    isLongerNumber(narrow, wide) ||
    isFinerClock(narrow, wide) ||
    (wide.sizes.length === 0 && (OTHERS[narrow.name]?.includes(wide.name) ?? false))
  );
}

/** True where rows stay as they are and mean other values: of a clock with a zone to one without, PostgreSQL in UTC writes none anew. */
export function readsOtherwise(from: string, to: string): boolean {
  const [one, other] = [typeOf(from), typeOf(to)].map((type) => type?.name ?? "");
  return one !== other && ZONED.test(one ?? "") && ZONED.test(other ?? "");
}

/** Null for a type with a collation: in another one texts are sorted and compared otherwise. */
function typeOf(text: string): Type | null {
  const [, name = "", sizes, zone = "", array] = TYPE.exec(text) ?? [];
  if (/ COLLATE /.test(text) || name === "") return null;
  return { name: name + zone, sizes: sizes?.split(",").map(Number) ?? [], isArray: array !== "" };
}

function isLongerText(from: Type, to: Type): boolean {
  if (to.name === "text") return ["text", "character varying"].includes(from.name);
  if (to.name === "character varying" && to.sizes.length === 0)
    return ["text", "character varying"].includes(from.name);
  const isSame = from.name === to.name && ["character varying", "bit varying"].includes(to.name);
  return isSame && (to.sizes[0] ?? Infinity) >= (from.sizes[0] ?? Infinity);
}

function isLongerNumber(from: Type, to: Type): boolean {
  const digits = DIGITS[from.name];
  if (to.name === "numeric") {
    if (digits === undefined && from.name !== "numeric") return false;
    if (to.sizes.length === 0) return true;
    if (digits === undefined && from.sizes.length === 0) return false;
    const [before, after] = places(digits === undefined ? from.sizes : [digits, 0]);
    const [room, fraction] = places(to.sizes);
    return room >= before && fraction >= after;
  }
  return digits !== undefined && (DIGITS[to.name] ?? 0) >= digits;
}

/** Digits before and after the point. */
function places([precision = 0, scale = 0]: number[]): [number, number] {
  return [precision - scale, scale];
}

function isFinerClock(from: Type, to: Type): boolean {
  if (from.name !== to.name || !CLOCKS.test(to.name)) return false;
  return (to.sizes[0] ?? CLOCK_DIGITS) >= (from.sizes[0] ?? CLOCK_DIGITS);
}
