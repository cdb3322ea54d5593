/** What is done with the committed snapshot: it is written, checked, and taken for what is declared. */
import { type Compared, compare, NOWHERE, readRules, type State } from "../project/compare.ts";
import { readIgnored, withoutIgnored } from "../project/ignore.ts";
import { declaredScripts, declaredSources, provenance, withServer } from "../project/project.ts";
import { placesOf } from "../project/provenance.ts";
import {
  formatSnapshot,
  readSnapshot,
  readSnapshotText,
  type Snapshot,
} from "../project/snapshot.ts";
import { type Report, toReport } from "../report/report.ts";
import type { Options } from "./options.ts";

const STALE = "The snapshot is stale. Write it anew with `bun run drift snapshot`.";

/** The text that the file should have. */
export async function takeSnapshot(options: Options): Promise<string> {
  return formatSnapshot(await declaredSnapshot(options));
}

/** Compares the committed file with what `drift snapshot` would write now. */
export async function checkSnapshot(options: Options): Promise<Report> {
  const [rules, committed, text, declared] = await Promise.all([
    readRules(options),
    readSnapshot(options.snapshotFile, options),
    readSnapshotText(options.snapshotFile),
    declaredSnapshot(options),
  ]);
  const actual = { objects: committed.objects, places: NOWHERE };
  const differences = await compare(stateOf(declared, options), actual, {
    ...rules,
    exceptions: [],
  });
  const isStale = text !== formatSnapshot(declared);
  const compared: Compared = {
    ...differences,
    warnings: [...differences.warnings, ...(isStale ? [STALE] : [])],
    drift: isStale,
  };
  return toReport({ database: options.snapshotFile, expected: "declared", compared, options });
}

/** The committed snapshot as the expected state, for a login that can make no other. */
export async function committedState(options: Options): Promise<State> {
  return stateOf(await readSnapshot(options.snapshotFile, options), options);
}

async function declaredSnapshot(options: Options): Promise<Snapshot> {
  const [scripts, ignored] = await Promise.all([
    declaredScripts(options),
    readIgnored(options.ignoreFile, options.ignore),
  ]);
  return withServer(options, null, async (server) => {
    const { objects, declaredIn } = await provenance(server, scripts, options);
    return { scope: options, objects: withoutIgnored(objects, ignored), declaredIn };
  });
}

/** Lines are looked up in the files of the checkout; a deployed image may carry the snapshot and not those. */
function stateOf({ objects, declaredIn }: Snapshot, options: Options): State {
  const sources = () => declaredSources(options).catch(() => []);
  return {
    objects,
    places: async (objects) => placesOf(objects, declaredIn, await sources()),
  };
}
