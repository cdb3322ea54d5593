/** The check, top to bottom: the project, both sides, what differs, where that is declared, what mends it, the report. */
import type pg from "pg";
import { withConnection } from "../database/connection.ts";
import { readLive } from "../database/live.ts";
import { buildIn } from "../database/replay.ts";
import type { ScratchServer } from "../database/scratch.ts";
import { unlessAborted } from "../database/work.ts";
import { withPlaces } from "../model/finding.ts";
import type { CatalogObject } from "../model/object.ts";
import { compare } from "../project/compare.ts";
import { type Basis, basisOf, type Progress, progressOf } from "../project/history.ts";
import { type Declaration, findPlaces, isDeclared } from "../project/places.ts";
import { type Project, readProject } from "../project/project.ts";
import { withRepairs } from "../repair/per-finding.ts";
import { readSurroundings } from "../repair/surroundings.ts";
import { repairTask } from "../repair/task.ts";
import { type Report, toReport } from "../report/report.ts";
import { liveUrl, type Options, scratchServer } from "./options.ts";

/** The live database and what it has to be, with the files that say so. */
export type Sides = Declaration & {
  basis: Basis;
  expected: CatalogObject[];
  actual: CatalogObject[];
  progress: Progress;
};

/** Compares the live database with the expected one. Throws a DriftError when that cannot be done. */
export async function check(options: Options): Promise<Report> {
  const url = liveUrl(options);
  const project = await readProject(options);

  return withConnection(url, async (client) => {
    const server = scratchServer(options, client);
    const sides = await readSides(client, server, project, options);
    const { basis, progress } = sides;

    const compared = compare(sides.expected, sides.actual, project);
    const declared = compared.findings.filter(isDeclared);
    const places = await findPlaces(declared, sides, server, options);
    const placed = withPlaces(compared.findings, places, project.roles.places);

    const { findings, repair } =
      options.repair && basis !== "snapshot"
        ? await withRepairs(
            placed,
            {
              ...repairTask(compared, project, options),
              surroundings: await readSurroundings(client, options),
            },
            server,
            options,
          )
        : { findings: placed, repair: null };

    const database = client.database ?? "";
    return toReport({ database, basis, ...compared, findings, repair, progress, options });
  });
}

/** Reads both sides. Expected is what is declared, or the snapshot of that, or what the applied migrations make. */
export async function readSides(
  client: pg.Client,
  server: ScratchServer,
  { roles, migrations, snapshot, ...project }: Project,
  options: Options,
): Promise<Sides> {
  options.onProgress?.("reading the live database");
  const live = await unlessAborted(options.signal, () => readLive(client, options, roles.names));
  const progress = progressOf(migrations, live);
  const basis = basisOf(progress, options);

  const scripts = basis === "applied migrations" ? progress.applied : await project.declared;
  if (!snapshot) options.onProgress?.("replaying the files in a scratch database");
  const { objects, declaredIn } = snapshot ?? {
    objects: await buildIn(server, scripts, options),
    declaredIn: null,
  };
  const expected = [...objects, ...roles.objects];
  return { basis, progress, actual: live.objects, expected, scripts, declaredIn };
}
