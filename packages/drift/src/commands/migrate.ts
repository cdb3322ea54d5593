/** `bun run drift migrate`: writes the migration that brings the history to what the project declares. */
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readObjects, unmodelledWarnings } from "../catalog/objects.ts";
import { build, type Script } from "../database/replay.ts";
import { withScratchDatabase } from "../database/scratch.ts";
import { type Danger, dangersOf } from "../migrate/dangers.ts";
import { draft } from "../migrate/draft.ts";
import { dangersIn } from "../migrate/harm.ts";
import { inOrderOf } from "../migrate/labels.ts";
import { checkName, folderName } from "../migrate/name.ts";
import { countRows, rowWarnings, unwritten } from "../migrate/rows.ts";
import { diff } from "../model/diff.ts";
import { DriftError } from "../model/errors.ts";
import { fingerprintOf } from "../model/fingerprint.ts";
import type { CatalogObject } from "../model/object.ts";
import { HARMLESS, paired } from "../model/pairs.ts";
import { readDeclared, readMigrations, readSchema } from "../project/files.ts";
import { readIgnored, withoutIgnored } from "../project/ignore.ts";
import { type Options, type Output, scratchServer } from "./options.ts";

export type MigrateOptions = Options & {
  name: string;
  /** Asks nobody. */
  yes: boolean;
  allowDangerous: boolean;
  /** Asks a person, where there is one. */
  confirm: ((question: string) => Promise<boolean>) | null;
};

export async function migrateCommand(options: MigrateOptions, output: Output): Promise<void> {
  checkName(options.name);
  const folder = options.migrations ?? "prisma/migrations";
  const [migrations, declaredFiles, schemaFiles, ignored] = await Promise.all([
    readMigrations(options.migrations),
    readDeclared(options),
    readSchema(options.schema),
    readIgnored(options.ignoreFile, options.ignore),
  ]);
  const server = scratchServer(options);
  const [prismaFile, ...written] = declaredFiles;
  options.onProgress?.("replaying the migrations and the declared files");
  const history = await made([migrations]);
  const files = await made([prismaFile ? [prismaFile] : [], ...written.map((file) => [file])]);
  for (const warning of [
    ...unwritten(written, files.changed),
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

  options.onProgress?.("writing the migration and proving it");
  const { migration, rollback, harm } = await draft({
    server,
    replay: options,
    reader: async (client, prepare) =>
      withoutIgnored(await readObjects(client, options, prepare), ignored),
    migrations,
    schemaFiles,
    prisma: declared.first,
    declared: declared.objects,
    history: history.objects,
  });
  const { differences: apart } = paired(declared.objects, history.objects, HARMLESS);
  const known = dangersOf(apart, { expected: declared.objects, actual: history.objects });
  await confirmed([...known, ...dangersIn(harm, known)]);
  const path = join(
    folder,
    folderName(
      options.name,
      migrations.map(({ name }) => name),
    ),
  );
  await mkdir(path, { recursive: true });
  await writeFile(join(path, "migration.sql"), migration);
  await writeFile(join(path, "rollback.sql"), rollback);
  await output.result(`${path}\n`);
  await output.note(
    "Proved by replay: with it the migrations make what the files declare, and rollback.sql leads back.\n",
  );
  if (existsSync(options.snapshotFile))
    await output.note(
      `${options.snapshotFile} is not written by this: run \`bun run drift snapshot\`.\n`,
    );

  /** What groups of scripts make one after the other, and what the first of them made. */
  function made(groups: Script[][]) {
    return withScratchDatabase(server, async (scratch) => {
      const steps: CatalogObject[][] = [];
      for (const scripts of groups)
        steps.push(withoutIgnored(await build(scratch, scripts, options), ignored));
      const objects = steps.at(-1) ?? [];
      const prints = steps.map(fingerprintOf);
      return {
        first: steps[0] ?? [],
        objects,
        changed: prints.map((print, place) => print !== prints[place - 1]).slice(1),
        rows: await countRows(scratch, objects),
      };
    });
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
