/** What the files of a project make: its declared schema, and what its migrations make that no file declares. */
import pg from "pg";
import { withConnection } from "../database/connection.ts";
import { isHeld } from "../database/hold.ts";
import { buildIn, buildInOrder, type ReplayOptions, type Script } from "../database/replay.ts";
import { type ScratchServer, withScratchDatabase } from "../database/scratch.ts";
import { begun } from "../database/work.ts";
import { diff, objectOf } from "../model/diff.ts";
import type { Finding } from "../model/finding.ts";
import { type CatalogObject, keyOf } from "../model/object.ts";
import { count, fewOf } from "../model/words.ts";
import type { SchemaFile } from "../prisma/schema-file.ts";
import { changesToSql } from "../prisma/to-sql.ts";
import type { Migration } from "./files.ts";

export type Expected = {
  objects: CatalogObject[];
  /** What makes them, as it could be applied; the migrations behind it, where they make more. */
  scripts: Script[];
  migrations: Script[];
  /** What the reader must know: that the migrations were believed. */
  note: string | null;
};

type Made = { objects: CatalogObject[]; isSchema: boolean };

/**
 * A project without hand-written SQL has what Prisma cannot say (triggers, CHECKs) in its migrations alone. Where these
 * make all that the schema declares, what they make is expected, the rest included.
 */
export async function expectedOf(
  server: ScratchServer,
  declared: Script[],
  migrations: Migration[],
  options: ReplayOptions,
): Promise<Expected> {
  const alone = begun(buildIn(server, declared, options));
  const isWritten = declared.some(({ sources }) => sources === undefined);
  if (isWritten || migrations.length === 0) return { ...(await alone), migrations: [], note: null };

  // Migrations that fail are for `parity` to tell of.
  const made = await madeBy(server, migrations, declared, options).catch(() => null);
  const schema = await alone.catch((error) => {
    if (made?.isSchema) return null;
    throw error;
  });
  if (!made || !(made.isSchema || (schema && onlyAdds(schema.objects, made.objects))))
    return { ...(await alone), migrations: [], note: null };
  const beyond = schema ? diff(schema.objects, made.objects) : null;
  return {
    objects: made.objects,
    scripts: schema?.scripts ?? migrations,
    migrations,
    note: beyond?.length === 0 ? null : noteOf(beyond?.map((one) => keyOf(objectOf(one))) ?? []),
  };
}

/**
 * Keys of what is not as it is declared and comes from the migrations: unexpected objects that they make, in whatever form,
 * and others that are there just as they make them. Who mends that undoes a migration.
 */
export async function madeToo(
  findings: Finding[],
  migrations: Migration[],
  server: ScratchServer,
  options: ReplayOptions,
): Promise<Set<string>> {
  const present = findings.filter(({ actual }) => actual !== null);
  if (present.length === 0 || migrations.length === 0) return new Set();
  const made = await buildIn(server, migrations, options).catch(() => ({ objects: [] }));
  const definitions = new Map(made.objects.map((one) => [keyOf(one), one.definition]));
  const isMade = (one: Finding) =>
    one.change === "unexpected"
      ? definitions.has(keyOf(one))
      : one.change === "changed" && definitions.get(keyOf(one)) === one.actual;
  return new Set(present.filter(isMade).map(keyOf));
}

export const MADE_TOO =
  "the migrations make this too, so it is left: declare it in migrations-sql, or drop it in a migration";

export function keptWarning(keys: ReadonlySet<string>): string[] {
  if (keys.size === 0) return [];
  return [
    `The migrations make this too, and no file declares it: ${fewOf([...keys])}. No repair drops it.`,
  ];
}

function madeBy(
  server: ScratchServer,
  migrations: Migration[],
  declared: Script[],
  options: ReplayOptions,
): Promise<Made> {
  return withScratchDatabase(server, async (scratch, url) => {
    const { objects } = await buildInOrder(scratch, migrations, options);
    if (isHeld(scratch)) return { objects, isSchema: false };
    const files = declared.flatMap(({ sources = [] }) => sources);
    return { objects, isSchema: await isSeenAs(url, files, options) };
  });
}

/** Whether Prisma, which does not see all, sees no difference. */
async function isSeenAs(
  url: string,
  files: SchemaFile[],
  { defaultSchema }: ReplayOptions,
): Promise<boolean> {
  const schema = defaultSchema ?? "public";
  try {
    return await withConnection(url, async (client) => {
      await client.query(`SET search_path = ${pg.escapeIdentifier(schema)}`);
      return (await changesToSql(files, { client, url, schema })) === "";
    });
  } catch {
    return false;
  }
}

function onlyAdds(schema: CatalogObject[], made: CatalogObject[]): boolean {
  return diff(schema, made).every(
    (one) =>
      one.change === "unexpected" || (one.change === "missing" && isThere(one.expected, made)),
  );
}

/** A migration may have made a unique constraint where the schema, which has no word for it, makes an index of the name. */
export function isThere({ kind, name, parent }: CatalogObject, made: CatalogObject[]): boolean {
  return (
    kind === "index" &&
    made.some(
      (one) => one.kind === "constraint" && one.parent === parent && one.name.endsWith(`.${name}`),
    )
  );
}

function noteOf(keys: string[]): string {
  const what = keys.length === 0 ? "" : `: ${count(keys.length, "object")} (${fewOf(keys)})`;
  return `The migrations make this too, beyond what the Prisma schema says, and it is expected${what}. \`tenantry-drift init\` writes it into migrations-sql.`;
}
