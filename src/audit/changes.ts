/** What an update changed, for its audit row. */
import type { Prisma } from "../../generated/prisma/client.ts";

type Values = Record<string, unknown>;
type Options = {
  /** Those that may have changed. */
  fields: readonly string[];
  /** Those whose values may be seen: never a secret, nor what tells of a person. */
  shown: readonly string[];
};

/**
 * The fields that differ, by name: those of `shown` with their values before and after, all others without, because
 * whoever reads the log need not see what people are called or how they are reached. Lists of text are compared without
 * their order. Nothing when nothing differs.
 */
export function changesBetween(
  before: Values,
  after: Values,
  { fields, shown }: Options,
): Prisma.InputJsonObject {
  const changes = fields
    .map((field) => ({ field, before: toJson(before[field]), after: toJson(after[field]) }))
    .filter((change) => textOf(change.before) !== textOf(change.after))
    .map(({ field, ...values }) => [field, shown.includes(field) ? values : { masked: true }]);
  return changes.length > 0
    ? { changes: Object.fromEntries(changes) as Prisma.InputJsonObject }
    : {};
}

function toJson(value: unknown): unknown {
  return value === undefined ? null : JSON.parse(JSON.stringify(value));
}

function textOf(value: unknown): string {
  return JSON.stringify(ordered(value));
}

/** Objects by the names of their members, and lists of text in the order of the alphabet. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) {
    const isText = value.every((item) => typeof item === "string");
    return isText ? value.toSorted() : value.map(ordered);
  }
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).map(([name, member]) => [name, ordered(member)]);
  return { members: members.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)) };
}
