/**
 * For applications: whether the live schema is the one that the committed snapshot describes. The only part of the check
 * that is meant to be imported; it makes no scratch database and needs no more than a login that may read.
 */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { inReadTransaction } from "../catalog/catalog.ts";
import { readObjects } from "../catalog/objects.ts";
import { ownReading } from "../catalog/own-rights.ts";
import { withConnection } from "../database/connection.ts";
import { fingerprintOf } from "../model/fingerprint.ts";
import { readIgnored, withoutIgnored } from "../project/ignore.ts";
import { openSnapshot } from "../project/snapshot.ts";

export type Fingerprints = { expected: string; live: string };

/** Reads both. Throws a DriftError when the snapshot is not usable or the database cannot be read. */
export async function readFingerprints(
  databaseUrl: string,
  snapshotFile: string,
): Promise<Fingerprints> {
  const { scope, objects: expected, external } = await openSnapshot(snapshotFile);
  const ignoreFile = join(dirname(snapshotFile), "drift.ignore");
  const ignored = await readIgnored(existsSync(ignoreFile) ? ignoreFile : null, [], external);
  return withConnection(databaseUrl, async (client) => {
    const live = await inReadTransaction(client, () => readObjects(client, scope));
    const own = await ownReading(client, [], { expected, actual: live });
    return {
      expected: fingerprintOf(expected),
      live: fingerprintOf(withoutIgnored(live, (key) => own.has(key) || ignored(key))),
    };
  });
}
