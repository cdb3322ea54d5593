/** `tenantry-drift init`: writes as hand-written SQL what the migrations make and the Prisma schema cannot say. */
import { dirname, join } from "node:path";
import { inReadTransaction } from "../catalog/catalog.ts";
import { readObjects } from "../catalog/objects.ts";
import { build, buildIn, type Script } from "../database/replay.ts";
import { type ScratchServer, withScratchDatabase } from "../database/scratch.ts";
import { blockOf } from "../migrate/draft.ts";
import { diff, differingKeys, objectOf } from "../model/diff.ts";
import { DriftError, messageOf } from "../model/errors.ts";
import { type CatalogObject, keyOf } from "../model/object.ts";
import { count, fewOf } from "../model/words.ts";
import { isThere } from "../project/expected.ts";
import { readDeclared, readMigrations } from "../project/files.ts";
import { readIgnored, withoutIgnored } from "../project/ignore.ts";
import { writeNew } from "../project/write.ts";
import { type Plan, plan } from "../repair/plan.ts";
import { planFrom } from "../repair/proposal.ts";
import { committing, type Reader } from "../repair/trial.ts";
import { type Options, type Output, scratchServer } from "./options.ts";

/** What Prisma's part may stand on: the first that let it be applied are taken. */
const FOUNDATIONS = [
  ["schema", "extension"],
  [
    ...["schema", "extension", "collation", "domain", "domain constraint", "composite type"],
    ...["range type", "function", "procedure", "aggregate", "sequence", "operator", "cast"],
    ...["text search configuration", "text search dictionary"],
  ],
];
const BODIES = "-- Bodies may name what comes later.\nSET check_function_bodies = off;";

export async function initCommand(options: Options, folder: string, output: Output): Promise<void> {
  const [migrations, declared, ignored] = await Promise.all([
    readMigrations(options.migrations),
    readDeclared(options),
    readIgnored(options.ignoreFile, options.ignore, options.external),
  ]);
  if (migrations.length === 0) {
    await output.note("There are no migrations, so there is nothing to write.\n");
    return;
  }
  if (declared.some(({ sources }) => sources === undefined))
    throw new DriftError(`${folder} has hand-written SQL already, and nothing was written.`);
  const server = scratchServer(options);
  const reader: Reader = async (client, prepare) =>
    withoutIgnored(await readObjects(client, options, prepare), ignored);

  options.onProgress?.("replaying the migrations");
  const { objects } = await buildIn(server, migrations, options);
  const made = withoutIgnored(objects, ignored);
  const before = await foundation(server, declared, made, reader, options);
  const { steps, left } = await remainder(server, [...before, ...declared], made, reader, options);

  const written = [
    ...before.map(({ sql }) => ({ path: join(folder, "before", "010_foundation.sql"), text: sql })),
    ...(steps === "" ? [] : [{ path: join(folder, "010_beyond_prisma.sql"), text: steps }]),
  ];
  await writeNew(written, dirname(folder));
  await output.result(written.map(({ path }) => `${path}\n`).join(""));
  if (written.length === 0)
    await output.note(
      "The migrations make what the Prisma schema says: there is nothing to write.\n",
    );
  if (left.length > 0)
    await output.note(
      `warning: the migrations and the Prisma schema differ in ${count(left.length, "object")} that the schema does declare, and no file can mend that: ${fewOf(left)}. \`tenantry-drift parity\` shows them.\n`,
    );
}

/** The script that must come before Prisma's part, if one must. @throws DriftError with Prisma's words when none helps. */
async function foundation(
  server: ScratchServer,
  declared: Script[],
  made: CatalogObject[],
  reader: Reader,
  options: Options,
): Promise<Script[]> {
  const fits = (scripts: Script[]) => buildIn(server, [...scripts, ...declared], options);
  const first = await fits([]).then(
    () => null,
    (error: unknown) => error,
  );
  if (first === null) return [];
  for (const kinds of FOUNDATIONS) {
    const free = made.filter(({ kind, parent }) => kinds.includes(kind) && isFree(parent));
    const owners = new Set(free.map(keyOf));
    const wanted = [...free, ...made.filter(({ parent }) => owners.has(parent) && isTold(parent))];
    const steps = await withScratchDatabase(server, async (scratch) => {
      const copy = await committing(scratch, reader);
      const present = await copy.read();
      const keys = new Set(present.map(keyOf));
      return plan(copy, [...present, ...wanted.filter((object) => !keys.has(keyOf(object)))]);
    });
    const script = { path: "before", sql: text(steps) };
    if (await fits([script]).then(Boolean, () => false)) return [script];
  }
  throw new DriftError(messageOf(first), { cause: first });
}

/** What has to follow, and the keys of what the schema declares and the migrations make otherwise. */
function remainder(
  server: ScratchServer,
  scripts: Script[],
  made: CatalogObject[],
  reader: Reader,
  options: Options,
): Promise<{ steps: string; left: string[] }> {
  return withScratchDatabase(server, async (scratch) => {
    await build(scratch, scripts, options);
    const present = await inReadTransaction(scratch, () => reader(scratch));
    const expected = withoutOpposites(made, present);
    const { doubt, ...steps } = await planFrom(scratch, { expected, reader });
    if (doubt !== null) throw new DriftError(`Nothing was written: ${doubt}.`);
    return { steps: text(steps), left: differingKeys(made, expected) };
  });
}

/** What the schema declares and the migrations do not make is for a migration to mend, and stays as declared. */
function withoutOpposites(made: CatalogObject[], present: CatalogObject[]): CatalogObject[] {
  const missing = diff(made, present).filter(
    (one) => one.change === "unexpected" && !isThere(one.actual, made),
  );
  const keys = new Set(missing.map((one) => keyOf(objectOf(one))));
  const parents = new Map(present.map((object) => [keyOf(object), object.parent]));
  const isMissing = (key: string): boolean =>
    keys.has(key) || (parents.has(key) && isMissing(parents.get(key) ?? ""));
  return [...made, ...present.filter((object) => isMissing(keyOf(object)))];
}

/** What is attached to it comes with it: grants, comments. Of a schema that would be all of its tables. */
function isTold(parent: string): boolean {
  return !parent.startsWith("schema ");
}

/** Belongs to no table. */
function isFree(parent: string): boolean {
  return parent === "" || /^(schema|domain) /.test(parent);
}

function text({ safe, destructive }: Pick<Plan, "safe" | "destructive">): string {
  const steps = [...safe, ...destructive];
  if (steps.length === 0) return "";
  const hasBodies = steps.some(({ sql }) =>
    sql.some((one) => /^CREATE (OR REPLACE )?(FUNCTION|PROCEDURE)/.test(one)),
  );
  return `${[...(hasBodies ? [BODIES] : []), ...steps.map(blockOf)].join("\n\n")}\n`;
}
