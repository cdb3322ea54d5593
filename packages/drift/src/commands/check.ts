/** The check, top to bottom: the project, both sides, what differs, where that is declared, what mends it, the report. */
import type pg from "pg";
import { ownReading, withoutOwnRights } from "../catalog/own-rights.ts";
import { withConnection } from "../database/connection.ts";
import { readLive } from "../database/live.ts";
import { buildIn, type Script } from "../database/replay.ts";
import type { ScratchServer } from "../database/scratch.ts";
import { unlessAborted } from "../database/work.ts";
import { type Finding, type Place, withPlaces } from "../model/finding.ts";
import type { CatalogObject } from "../model/object.ts";
import { keyOf } from "../model/object.ts";
import { count } from "../model/words.ts";
import { compare } from "../project/compare.ts";
import { expectedOf, keptWarning, MADE_TOO, madeToo } from "../project/expected.ts";
import { type Basis, basisOf, type Progress, progressOf } from "../project/history.ts";
import type { Ignored } from "../project/ignore.ts";
import { type Declaration, findPlaces, isDeclared } from "../project/places.ts";
import { type Project, readProject } from "../project/project.ts";
import { withRepairs } from "../repair/per-finding.ts";
import { readSurroundings } from "../repair/surroundings.ts";
import { repairTask, writtenNowhere } from "../repair/task.ts";
import { type Report, toReport } from "../report/report.ts";
import { liveUrl, type Options, scratchServer } from "./options.ts";

/** The live database and what it has to be, with the files that say so. */
export type Sides = Declaration & {
  basis: Basis;
  expected: CatalogObject[];
  actual: CatalogObject[];
  progress: Progress;
  /** Those that make a part of what is expected, where no other file does. */
  migrations: Script[];
  /** What the reader must know of where the expected comes from. */
  note: string | null;
  /** What is left out besides what the project's rules leave out. */
  ignored: Ignored;
};

/** Compares the live database with the expected one. Throws a DriftError when that cannot be done. */
export async function check(options: Options): Promise<Report> {
  const url = liveUrl(options);
  const read = await readProject(options);

  return withConnection(url, async (client) => {
    const server = scratchServer(options, client);
    const sides = await readSides(client, server, read, options);
    const { basis, progress, note, ignored } = sides;
    const project = { ...read, ignored };

    const compared = compare(sides.expected, sides.actual, project);
    const places = await placesIn(compared.findings, sides, server, options);
    const placed = withPlaces(compared.findings, places, project.roles.places);

    const kept = await keptBack(compared.findings, sides, server, project, options);
    const { findings, repair } =
      options.repair && basis !== "snapshot"
        ? await withRepairs(
            placed,
            {
              ...repairTask(compared, kept, project, options),
              only: writtenNowhere(placed, project.migrations),
            },
            server,
            { ...options, surroundings: () => readSurroundings(client, options, compared.actual) },
          )
        : { findings: placed, repair: null };
    const isAllKept = findings.every((finding) => kept.has(keyOf(finding)));
    const told = findings.map((finding) =>
      kept.has(keyOf(finding)) ? { ...finding, unrepaired: MADE_TOO } : finding,
    );

    const database = client.database ?? "";
    const warnings = [...compared.warnings, ...keptWarning(kept)];
    return toReport({
      ...{ database, basis, ...compared, warnings, findings: told, progress, note, options },
      repair: isAllKept ? null : repair,
    });
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

  const actual = live.objects;
  const shared = { basis, actual };
  const withoutOwn = (expected: CatalogObject[]) =>
    unlessAborted(options.signal, () =>
      withoutOwnRights(client, options.schemas, { expected, actual }),
    );
  const whole = async (sides: Omit<Sides, "ignored" | "progress">): Promise<Sides> => {
    const own = await ownReading(client, roles.names ?? [], sides);
    const ignored: Ignored = (key) => own.has(key) || project.ignored(key);
    return { ...sides, ignored, progress: withNotes(progress, readingNotes(own)) };
  };
  if (snapshot) {
    const scripts = await project.declared;
    const expected = await withoutOwn([...snapshot.objects, ...roles.objects]);
    const { declaredIn } = snapshot;
    return whole({ ...shared, expected, scripts, declaredIn, migrations: [], note: null });
  }
  options.onProgress?.("replaying the files in a scratch database");
  const made =
    basis === "applied migrations"
      ? { ...(await buildIn(server, progress.applied, options)), migrations: [], note: null }
      : await expectedOf(server, await project.declared, migrations, options);
  return whole({
    ...shared,
    ...made,
    expected: await withoutOwn([...made.objects, ...roles.objects]),
    declaredIn: null,
  });
}

function withNotes(progress: Progress, notes: string[]): Progress {
  return { ...progress, notes: [...progress.notes, ...notes] };
}

function readingNotes(own: ReadonlySet<string>): string[] {
  if (own.size === 0) return [];
  return [
    `Left out, since no file speaks of this login: what lets it read, in ${count(own.size, "grant")}.`,
  ];
}

/** The places of what is declared; what only the migrations make is looked up in these. */
async function placesIn(
  findings: Finding[],
  sides: Sides,
  server: ScratchServer,
  options: Options,
): Promise<Map<string, Place>> {
  const declared = findings.filter(isDeclared);
  const places = await findPlaces(declared, sides, server, options);
  const others = declared.filter((finding) => !places.has(keyOf(finding)));
  if (sides.migrations.length === 0 || others.length === 0) return places;
  const { migrations } = sides;
  const beyond = await findPlaces(
    others,
    { scripts: migrations, declaredIn: null },
    server,
    options,
  );
  return new Map([...places, ...beyond]);
}

/** Keys of what no repair drops, since the migrations make it. */
export async function keptBack(
  findings: Finding[],
  { basis }: Pick<Sides, "basis">,
  server: ScratchServer,
  { migrations }: Pick<Project, "migrations">,
  options: Options,
): Promise<Set<string>> {
  return basis === "declared" ? madeToo(findings, migrations, server, options) : new Set();
}
