/** What a repair starts from and what it has to reach: what the check compares, without what it has been told to let be. */
import { readObjects, type Scope } from "../catalog/objects.ts";
import { isRole } from "../catalog/roles.ts";
import { objectOf } from "../model/diff.ts";
import type { Finding } from "../model/finding.ts";
import { type CatalogObject, keyOf } from "../model/object.ts";
import { paired } from "../model/pairs.ts";
import type { Compared } from "../project/compare.ts";
import { withoutIgnored } from "../project/ignore.ts";
import type { Rules } from "../project/project.ts";
import type { Reader } from "./trial.ts";

/** What the live database has besides, which no comparison sees and no repair may lose. */
export type Surroundings = {
  /** Owners that are not the checker, grants, comments and what else hangs on an object, by its key, compared or not. */
  attached: ReadonlyMap<string, CatalogObject[]>;
  /** How large tables are, in words, by their name. */
  sizes: ReadonlyMap<string, string>;
  /** What depends on an object, by its key, in schemas that are not compared. */
  dependants: ReadonlyMap<string, string[]>;
  /** What is compared by nobody, such as tables that are ignored and all that other schemas have. */
  beside: CatalogObject[];
};

export const NO_SURROUNDINGS: Surroundings = {
  attached: new Map(),
  sizes: new Map(),
  dependants: new Map(),
  beside: [],
};

export type RepairTask = {
  actual: CatalogObject[];
  expected: CatalogObject[];
  reader: Reader;
  surroundings?: Surroundings;
  /** Keys of rules and programs that are written down nowhere else. */
  only?: ReadonlySet<string>;
};

/** What keeps rows as they should be, or has been written by somebody: its text is lost with it. */
const WRITTEN = [
  ...["constraint", "domain constraint", "trigger", "event trigger", "policy", "rule"],
  ...["function", "procedure", "aggregate", "view", "materialized view"],
];

/**
 * A project without migrations has nothing that could tell who made an object which no file declares: it may be all that is
 * left of a migration.
 */
export function writtenNowhere(findings: Finding[], migrations: unknown[]): Set<string> {
  if (migrations.length > 0) return new Set();
  const found = findings.filter(
    ({ change, kind }) => change === "unexpected" && WRITTEN.includes(kind),
  );
  return new Set(found.map(keyOf));
}

/** The task that a comparison sets. @param kept keys of what stays besides what is allowed. */
export function repairTask(
  { expected, actual, allowed }: Pick<Compared, "expected" | "actual" | "allowed">,
  kept: ReadonlySet<string>,
  { ignored }: Pick<Rules, "ignored">,
  scope: Scope,
): RepairTask {
  const present = actual.filter((object) => !isRole(object));
  const wanted = expected.filter((object) => !isRole(object));
  const keys = new Set([...allowed.map(({ key }) => key), ...kept]);
  // What is allowed to have another name is expected under that name.
  for (const difference of paired(wanted, present).differences)
    if (difference.change !== "missing" && keys.has(keyOf(objectOf(difference))))
      keys.add(keyOf(difference.actual));
  return {
    actual: present,
    expected: withAllowed(wanted, present, keys),
    reader: async (client, prepare) =>
      withoutIgnored(await readObjects(client, scope, prepare), ignored),
  };
}

/** The extensions that the live schema has: its copy stands on them. */
export function extensionsOf({ actual }: Pick<RepairTask, "actual">): CatalogObject[] {
  return actual.filter(({ kind }) => kind === "extension");
}

/** What an exception allows is expected to be as it is, with all that belongs to it. */
function withAllowed(
  expected: CatalogObject[],
  actual: CatalogObject[],
  allowed: Set<string>,
): CatalogObject[] {
  const all = [...expected, ...actual];
  const parentOf = new Map(all.map((object) => [keyOf(object), object.parent]));
  const isAllowed = (key: string): boolean =>
    key !== "" && (allowed.has(key) || isAllowed(parentOf.get(key) ?? ""));
  return [
    ...expected.filter((object) => !isAllowed(keyOf(object))),
    ...actual.filter((object) => isAllowed(keyOf(object))),
  ];
}
