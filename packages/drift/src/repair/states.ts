/** The two states that a repair is between: what the check compares, without what it has been told to let be. */
import type pg from "pg";
import { readObjects, type Scope } from "../catalog/objects.ts";
import type { Options } from "../commands/options.ts";
import { committedState } from "../commands/snapshot.ts";
import { unlessAborted } from "../database/interruption.ts";
import { readLive } from "../database/live.ts";
import type { ScratchOptions } from "../database/scratch.ts";
import { DriftError } from "../model/errors.ts";
import { type CatalogObject, keyOf } from "../model/object.ts";
import {
  type Compared,
  compare,
  NOWHERE,
  type Rules,
  readRules,
  type State,
} from "../project/compare.ts";
import { readMigrations } from "../project/files.ts";
import { expectationOf, progressOf } from "../project/history.ts";
import { withoutIgnored } from "../project/ignore.ts";
import { declaredScripts, stateOf } from "../project/project.ts";
import type { Reader } from "./trial.ts";

export type States = { actual: CatalogObject[]; expected: CatalogObject[]; reader: Reader };

export async function readStates(
  client: pg.Client,
  server: ScratchOptions,
  options: Options,
): Promise<States> {
  const rules = await readRules(options);
  const [live, migrations] = await unlessAborted(options.signal, () =>
    Promise.all([readLive(client, options), readMigrations(options.migrations)]),
  );
  const progress = progressOf(migrations, live);
  const wanted = await expectedState();
  const found = { objects: live.objects, places: NOWHERE };
  const compared = await compare({ ...wanted, places: NOWHERE }, found, rules);
  return statesOf(live.objects, wanted.objects, compared, rules, options);

  async function expectedState(): Promise<State> {
    const kind = expectationOf(progress, options);
    if (kind === "snapshot") return committedState(options);
    const scripts = kind === "declared" ? await declaredScripts(options) : progress.applied;
    return stateOf(server, scripts, options);
  }
}

/** The same of a comparison that has been made. */
export function statesOf(
  live: CatalogObject[],
  wanted: CatalogObject[],
  { allowed }: Pick<Compared, "allowed">,
  { ignored }: Pick<Rules, "ignored">,
  scope: Scope,
): States {
  const actual = withoutIgnored(live, ignored);
  const keys = new Set(allowed.map(({ key }) => key));
  return {
    actual,
    expected: withAllowed(withoutIgnored(wanted, ignored), actual, keys),
    reader: async (client) => withoutIgnored(await readObjects(client, scope), ignored),
  };
}

/** A live database to repair, and a server to try the repair on. */
export function databaseOf({ databaseUrl }: Options): string {
  if (databaseUrl !== null) return databaseUrl;
  throw new DriftError(
    "No database is named. Give --database-url or set DATABASE_URL, or start `bun dev`.",
  );
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
