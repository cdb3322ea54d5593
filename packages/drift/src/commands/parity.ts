/** `tenantry-drift parity`: do the migrations make what the project declares? Needs a server, and no live database. */
import { buildIn, type Script } from "../database/replay.ts";
import { both } from "../database/work.ts";
import { DriftError } from "../model/errors.ts";
import { type Finding, withPlaces } from "../model/finding.ts";
import { compare } from "../project/compare.ts";
import { expectedOf } from "../project/expected.ts";
import { findPlaces, isDeclared } from "../project/places.ts";
import { readProject } from "../project/project.ts";
import { type Report, toReport } from "../report/report.ts";
import { type Options, scratchServer } from "./options.ts";

export async function parity(options: Options): Promise<Report> {
  if (options.migrations === null)
    throw new DriftError("There is no migrations folder to compare. Name it with --migrations.");
  const { declared, migrations, ignored } = await readProject(options);
  const server = scratchServer(options);

  options.onProgress?.("replaying the files in two scratch databases");
  const [expected, actual] = await both(
    expectedOf(server, await declared, migrations, options),
    buildIn(server, migrations, options),
  );
  // Exceptions are about a live database: there is no reason why two kinds of files should differ.
  const compared = compare(expected.objects, actual.objects, { ignored, exceptions: [] });

  const places = async (findings: Finding[], scripts: Script[]) =>
    findPlaces(findings, { scripts, declaredIn: null }, server, options);
  const extra = compared.findings.filter((finding) => !isDeclared(finding));
  const findings = withPlaces(
    compared.findings,
    await places(compared.findings.filter(isDeclared), expected.scripts),
    await places(extra, migrations),
  );
  const database = "the migration history";
  return toReport({
    database,
    basis: "declared",
    ...compared,
    findings,
    note: expected.note,
    options,
  });
}
