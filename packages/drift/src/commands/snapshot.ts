/** `tenantry-drift snapshot`: the committed snapshot is written, or compared with what would be written now. */
import { replayIn } from "../database/provenance.ts";
import { withPlaces } from "../model/finding.ts";
import { compare } from "../project/compare.ts";
import { expectedOf } from "../project/expected.ts";
import { readDeclared, readMigrations } from "../project/files.ts";
import { readIgnored, withoutIgnored } from "../project/ignore.ts";
import { isDeclared, placesOf } from "../project/places.ts";
import { formatSnapshot, readSnapshot, readSnapshotText } from "../project/snapshot.ts";
import { type Report, toReport } from "../report/report.ts";
import { type Options, scratchServer } from "./options.ts";

const STALE = "The snapshot is stale. Write it anew with `tenantry-drift snapshot`.";

/** The text that the file should have. */
export async function takeSnapshot(options: Options): Promise<string> {
  return formatSnapshot(await declaredSnapshot(options));
}

/** Compares the committed file with what `drift snapshot` would write now. */
export async function checkSnapshot(options: Options): Promise<Report> {
  const [committed, text, declared] = await Promise.all([
    readSnapshot(options.snapshotFile, options),
    readSnapshotText(options.snapshotFile),
    declaredSnapshot(options),
  ]);
  const compared = compare(declared.objects, committed.objects, { ...declared, exceptions: [] });
  const inDeclared = compared.findings.filter(isDeclared);
  const places = placesOf(inDeclared, declared.declaredIn, declared.scripts);
  const findings = withPlaces(compared.findings, places);

  const database = options.snapshotFile;
  const report = toReport({ database, basis: "declared", ...compared, findings, options });
  // Also where an object has only moved to another file.
  const isStale = text !== formatSnapshot(declared);
  const warnings = [...report.warnings, ...(isStale ? [STALE] : [])];
  return { ...report, warnings, drift: isStale };
}

async function declaredSnapshot(options: Options) {
  const [declared, migrations, ignored] = await Promise.all([
    readDeclared(options),
    readMigrations(options.migrations),
    readIgnored(options.ignoreFile, options.ignore, options.external),
  ]);
  const server = scratchServer(options);
  const expected = await expectedOf(server, declared, migrations, options);
  options.onProgress?.("finding out where objects are declared");
  const scripts = expected.migrations.length > 0 ? expected.migrations : expected.scripts;
  const { declaredIn } = await replayIn(server, scripts, options);
  return {
    scope: options,
    objects: withoutIgnored(expected.objects, ignored),
    declaredIn,
    scripts,
    ignored,
    external: options.external,
  };
}
