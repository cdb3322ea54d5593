/** The comparisons: live with what is declared or with the snapshot of that, and the history of migrations with it. */

import { withConnection } from "../database/connection.ts";
import { unlessAborted } from "../database/interruption.ts";
import { readLive } from "../database/live.ts";
import { DriftError } from "../model/errors.ts";
import { compare, NOWHERE, readRules, type State } from "../project/compare.ts";
import { readMigrations } from "../project/files.ts";
import { expectationOf, progressOf } from "../project/history.ts";
import { declaredScripts, stateOf, withServer } from "../project/project.ts";
import { readRolesManifest, withRoles } from "../project/roles.ts";
import { withRepairs } from "../repair/per-finding.ts";
import { statesOf } from "../repair/states.ts";
import { type Report, toReport } from "../report/report.ts";
import type { Options } from "./options.ts";
import { committedState } from "./snapshot.ts";

/** Compares the live database with the expected one. Throws a DriftError when that cannot be done. */
export async function check(options: Options): Promise<Report> {
  if (options.databaseUrl === null)
    throw new DriftError(
      "No database is named. Give --database-url or set DATABASE_URL, or start `bun dev`.",
    );
  const [rules, manifest, snapshot] = await Promise.all([
    readRules(options),
    readRolesManifest(options.rolesFile),
    options.useSnapshot ? committedState(options) : null,
  ]);
  const declared = snapshot ? [] : begun(declaredScripts(options));
  return withConnection(options.databaseUrl, async (client) => {
    options.onProgress?.("reading the live database");
    const [live, migrations] = await unlessAborted(options.signal, () =>
      Promise.all([readLive(client, options, manifest), readMigrations(options.migrations)]),
    );
    const progress = progressOf(migrations, live);
    const expected = expectationOf(progress, options);
    const actual = { objects: [...live.objects, ...live.roles], places: NOWHERE };
    const compareWith = (state: State) => compare(withRoles(state, manifest), actual, rules);
    const compared =
      snapshot !== null
        ? await compareWith(snapshot)
        : await withServer(options, client, async (server) => {
            const scripts = expected === "declared" ? declared : progress.applied;
            const state = await stateOf(server, scripts, options);
            const compared = await compareWith(state);
            const states = statesOf(live.objects, state.objects, compared, rules, options);
            return withRepairs(compared, server, states, options);
          });
    return toReport({ database: client.database ?? "", expected, compared, progress, options });
  });
}

/** Compares what the migrations make with what the project declares. Needs a server, and no live database. */
export async function parity(options: Options): Promise<Report> {
  if (options.migrations === null)
    throw new DriftError("There is no migrations folder to compare. Name it with --migrations.");
  const declared = begun(declaredScripts(options));
  const migrations = begun(readMigrations(options.migrations));
  const rules = await readRules(options);
  return withServer(options, null, async (server) => {
    const [expected, actual] = await both(
      stateOf(server, declared, options),
      stateOf(server, migrations, options),
    );
    // Exceptions are about a live database: there is no reason why two states of the files should differ.
    const compared = await compare(expected, actual, { ...rules, exceptions: [] });
    return toReport({ database: "the migration history", expected: "declared", compared, options });
  });
}

/** Work that goes on while a database is made. Who needs the result meets its failure; until then nobody does. */
function begun<T>(work: Promise<T>): Promise<T> {
  work.catch(() => {});
  return work;
}

/** Both results, or the first failure, but not before both have ended and left nothing behind. */
async function both<A, B>(one: Promise<A>, other: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([one, other]);
  return [await one, await other];
}
