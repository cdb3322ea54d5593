/** Names of migrations: in a year's time the name is all that most people read of one. */
import { DriftError } from "../model/errors.ts";
import { visible } from "../model/words.ts";

/** Words that say nothing of what a migration does; a name needs another one beside them. */
const VAGUE = [
  ..."update change changes fix fixes test tests migration migrate misc new wip tmp temp".split(
    " ",
  ),
  ..."stuff things schema db database table tables sql prisma initial next more final".split(" "),
];

/**
 * Throws a DriftError that says what is wrong with the name.
 * @param isStrict holds it to a style: words that say what is done and to what.
 */
export function checkName(name: string, isStrict: boolean): void {
  if (name === "")
    throw new DriftError("A migration needs a name that says what it does: --name add_users_phone");
  if (!isStrict) {
    if (/^[\w-]{1,180}$/.test(name)) return;
    throw new DriftError(
      `The name "${visible(name)}" cannot be that of a folder: letters, digits, "_" and "-" can, 180 of them at most.`,
    );
  }
  if (!/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name))
    throw refused(
      name,
      "is not snake_case: small letters, digits, and single underscores between words",
    );
  const words = name.split("_");
  if (words.length < 2)
    throw refused(name, "is one word, which cannot say both what is done and to what");
  if (words.every((word) => VAGUE.includes(word.replace(/\d+$/, "")) || /^\d+$/.test(word)))
    throw refused(name, "says nothing of what the migration does");
}

/** The folder of the next migration. It comes after all others, also where a clock was ahead. */
export function folderName(name: string, existing: string[], now = new Date()): string {
  const stamp = now.toISOString().replace(/\D/g, "").slice(0, 14);
  const newest =
    existing
      .map((folder) => /^\d{14}/.exec(folder)?.[0] ?? "")
      .sort()
      .at(-1) ?? "";
  const next = stamp > newest ? stamp : String(BigInt(newest) + 1n);
  return `${next}_${name}`;
}

function refused(name: string, why: string): DriftError {
  return new DriftError(
    `The name "${name}" ${why}. A verb and its object do, as in add_users_phone or drop_legacy_orders.`,
  );
}
