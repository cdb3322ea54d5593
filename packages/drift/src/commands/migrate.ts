/** `tenantry-drift migrate`: writes the migration that brings the history to what the project declares. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { readObjects, unmodelledWarnings } from "../catalog/objects.ts";
import { build, buildIn, type Script } from "../database/replay.ts";
import { withScratchDatabase } from "../database/scratch.ts";
import { type Danger, dangersOf } from "../migrate/dangers.ts";
import { draft, isBeyondPrisma } from "../migrate/draft.ts";
import { dangersIn } from "../migrate/harm.ts";
import { inOrderOf } from "../migrate/labels.ts";
import { checkName, folderName } from "../migrate/name.ts";
import { countRows, rowWarnings, unwritten } from "../migrate/rows.ts";
import { type Difference, diff } from "../model/diff.ts";
import { DriftError } from "../model/errors.ts";
import { fingerprintOf } from "../model/fingerprint.ts";
import { type CatalogObject, keyOf } from "../model/object.ts";
import { HARMLESS, paired } from "../model/pairs.ts";
import { fewOf } from "../model/words.ts";
import { readDeclared, readMigrations, readSchema } from "../project/files.ts";
import { readIgnored, withoutIgnored } from "../project/ignore.ts";
import { writeNew } from "../project/write.ts";
import { type Options, type Output, scratchServer } from "./options.ts";

export type MigrateOptions = Options & {
  name: string;
  /** The folder that is made where there are no migrations yet. */
  firstMigrations: string;
  /** Holds the name to a style. */
  strictNames: boolean;
  /** Asks nobody. */
  yes: boolean;
  allowDangerous: boolean;
  /** Asks a person, where there is one. */
  confirm: ((question: string) => Promise<boolean>) | null;
};

export async function migrateCommand(options: MigrateOptions, output: Output): Promise<void> {
  checkName(options.name, options.strictNames);
  const folder = options.migrations ?? options.firstMigrations;
  const [migrations, declaredFiles, schemaFiles, ignored] = await Promise.all([
    readMigrations(options.migrations),
    readDeclared(options),
    readSchema(options.schema),
    readIgnored(options.ignoreFile, options.ignore, options.external),
  ]);
  const server = scratchServer(options);
  options.onProgress?.("replaying the migrations and the declared files");
  const history = await made([migrations]);
  const files = await madeInSteps(await inOrder(declaredFiles));
  for (const warning of [
    ...unwritten(files.after, files.changed),
    ...unmodelledWarnings(files.objects),
  ])
    await output.note(`warning: ${warning}\n`);
  const { objects, warnings } = options.allowDangerous
    ? { objects: files.objects, warnings: [] }
    : inOrderOf(history.objects, files.objects);
  for (const warning of warnings) await output.note(`warning: ${warning}\n`);
  const declared = { ...files, objects };
  const differences = diff(declared.objects, history.objects);
  for (const warning of rowWarnings(declared.rows, history.rows))
    await output.note(`warning: ${warning}\n`);
  if (differences.length === 0) {
    await output.note("The migrations make what the files declare: there is nothing to write.\n");
    return;
  }
  if (declaredFiles.every(({ sources }) => sources !== undefined)) refuseToForget(differences);

  options.onProgress?.("writing the migration and proving it");
  const { migration, rollback, harm } = await draft({
    server,
    replay: options,
    reader: async (client, prepare) =>
      withoutIgnored(await readObjects(client, options, prepare), ignored),
    migrations,
    schemaFiles,
    prisma: declared.prisma,
    declared: declared.objects,
    history: history.objects,
  });
  const { differences: apart } = paired(declared.objects, history.objects, HARMLESS);
  const known = dangersOf(apart, { expected: declared.objects, actual: history.objects });
  const former = new Set(history.objects.map(keyOf));
  await confirmed([...known, ...dangersIn(harm, known, former)]);
  const path = join(
    folder,
    folderName(
      options.name,
      migrations.map(({ name }) => name),
    ),
  );
  await writeNew(
    [
      { path: join(path, "rollback.sql"), text: rollback },
      { path: join(path, "migration.sql"), text: migration },
    ],
    dirname(folder),
  );
  await output.result(`${path}\n`);
  await output.note(
    "Proved by replay: with it the migrations make what the files declare, and rollback.sql leads back.\n",
  );
  if (existsSync(options.snapshotFile))
    await output.note(
      `${options.snapshotFile} is not written by this: run \`tenantry-drift snapshot\`.\n`,
    );

  /** What groups of scripts make, read after each of them. */
  function made(groups: Script[][]) {
    return withScratchDatabase(server, async (scratch) => {
      const steps: CatalogObject[][] = [];
      for (const scripts of groups)
        steps.push(withoutIgnored(await build(scratch, scripts, options), ignored));
      const objects = steps.at(-1) ?? [];
      return { steps, objects, rows: await countRows(scratch, objects) };
    });
  }

  /** The same of the declared files, and what of it is Prisma's part alone. */
  async function madeInSteps(scripts: Script[]) {
    const place = scripts.findIndex(({ sources }) => sources !== undefined);
    const [before, prisma, after] = [
      scripts.slice(0, place),
      scripts.slice(place, place + 1),
      scripts.slice(place + 1),
    ];
    const result = await made([[], before, prisma, ...after.map((file) => [file])]);
    const [empty = [], first = [], second = []] = result.steps;
    const own = new Set(empty.map(keyOf));
    const written = new Set(first.map(keyOf).filter((key) => !own.has(key)));
    const prints = result.steps.slice(2).map(fingerprintOf);
    return {
      ...result,
      after,
      changed: prints.map((print, place) => print !== prints[place - 1]).slice(1),
      prisma: second.filter((object) => !written.has(keyOf(object))),
    };
  }

  /** A file that Prisma's part stands on may lie beside the others. */
  async function inOrder(scripts: Script[]): Promise<Script[]> {
    const { scripts: applied } = await buildIn(server, scripts, options);
    return applied;
  }

  /** Nothing dangerous is written unless somebody has said that it shall be. */
  async function confirmed(dangers: Danger[]): Promise<void> {
    if (dangers.length === 0) return;
    for (const { what, instead } of dangers) await output.note(`danger: ${what}\n  ${instead}\n`);
    if (options.allowDangerous) return;
    const ask = options.yes ? null : options.confirm;
    if (ask && (await ask(`Write the migration with ${dangers.length} dangerous steps?`))) return;
    throw new DriftError(
      "Nothing was written. Take the steps apart as shown above, or give --allow-dangerous when the tables are small.",
    );
  }
}

/** Without a file that declares it, what the migrations have made by hand would be dropped by the next. */
function refuseToForget(differences: Difference[]): void {
  const lost = differences.flatMap((one) =>
    one.change === "unexpected" && isBeyondPrisma(one.actual) ? [keyOf(one.actual)] : [],
  );
  if (lost.length === 0) return;
  throw new DriftError(
    `The migrations make what the Prisma schema has no words for, and the next one would drop it: ${fewOf(lost)}. Let \`tenantry-drift init\` write it into migrations-sql first.`,
  );
}
