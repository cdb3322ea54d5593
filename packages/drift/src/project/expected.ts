/** What the files of a project make: its declared schema, and what its migrations make that no file declares. */
import pg from "pg";
import { withConnection } from "../database/connection.ts";
import { isHeld } from "../database/hold.ts";
import {
  applyScript,
  build,
  buildIn,
  buildInOrder,
  type ReplayOptions,
  type Script,
} from "../database/replay.ts";
import { type ScratchServer, withScratchDatabase } from "../database/scratch.ts";
import { begun } from "../database/work.ts";
import { diff, objectOf } from "../model/diff.ts";
import type { Finding } from "../model/finding.ts";
import { type CatalogObject, keyOf } from "../model/object.ts";
import { count, fewOf } from "../model/words.ts";
import { changesToSql } from "../prisma/to-sql.ts";
import type { Migration } from "./files.ts";

export type Expected = {
  objects: CatalogObject[];
  /** What makes them, as it could be applied; the migrations behind it, where they make more. */
  scripts: Script[];
  migrations: Script[];
  /** What the reader must know: that the migrations were believed. Empty where they say no more than the schema. */
  note: string | null;
};

/** What the migrations make, and the same brought to the schema by Prisma: that leaves what Prisma has no words for. */
type Made = { objects: CatalogObject[]; brought: Brought | null };
type Brought = { objects: CatalogObject[]; scripts: Script[] };

/**
 * A project without hand-written SQL has what Prisma cannot say (triggers, CHECKs) in its migrations alone. What they make
 * is expected where it is no more than the schema declares, or else as Prisma would change it.
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
    if (made?.brought) return null;
    throw error;
  });
  const least = schema ?? made?.brought;
  const isMore = made && least && onlyAdds(least.objects, made.objects);
  const brought = isMore ? { objects: made.objects, scripts: [] } : made?.brought;
  if (!made || !brought) return { ...(await alone), migrations: [], note: null };
  const left = leftAlone(made.objects, brought.objects, (schema ?? brought).objects);
  const objects = [...brought.objects, ...left];
  const beyond = schema && diff(schema.objects, objects).map((one) => keyOf(objectOf(one)));
  return {
    objects,
    scripts: schema?.scripts ?? migrations,
    migrations: [...migrations, ...brought.scripts],
    note: beyond?.length === 0 ? "" : noteOf(beyond),
  };
}

/**
 * Tables and types that the schema does not have, which Prisma drops. They stay, with all that is in them, unless the
 * schema has one that the migrations lack, for then it may be the same with another name.
 */
function leftAlone(
  made: CatalogObject[],
  brought: CatalogObject[],
  schema: CatalogObject[],
): CatalogObject[] {
  const [past, present] = [made, brought].map((all) => new Set(all.map(keyOf)));
  const lacking = new Set(schema.filter((one) => !past?.has(keyOf(one))).map(({ kind }) => kind));
  const parents = new Map(made.map((one) => [keyOf(one), one]));
  const isLeft = (one: CatalogObject | undefined): boolean =>
    one !== undefined &&
    ((WHOLE.includes(one.kind) && !present?.has(keyOf(one)) && !lacking.has(one.kind)) ||
      isLeft(parents.get(one.parent)));
  return made.filter((one) => !present?.has(keyOf(one)) && isLeft(one));
}

const WHOLE = ["table", "enum"];

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
    if (isHeld(scratch)) return { objects, brought: null };
    return { objects, brought: await bring(scratch, url, objects, declared, options) };
  });
}

/** Has Prisma, which does not see all, write what is left to do, and does it. Null where it cannot. */
async function bring(
  scratch: pg.Client,
  url: string,
  objects: CatalogObject[],
  declared: Script[],
  options: ReplayOptions,
): Promise<Brought | null> {
  const files = declared.flatMap(({ sources = [] }) => sources);
  const schema = options.defaultSchema ?? "public";
  try {
    const sql = await withConnection(url, async (client) => {
      await client.query(`SET search_path = ${pg.escapeIdentifier(schema)}`);
      return changesToSql(files, { client, url, schema }, options.externals);
    });
    if (sql === "") return { objects, scripts: [] };
    const done = await applyParts(scratch, sql, options);
    const scripts = declared.map((script) => ({ ...script, sql: done.join("\n\n") }));
    return { objects: await build(scratch, [], options), scripts };
  } catch {
    return null;
  }
}

/**
 * Prisma writes a heading over each part. It sees no index that is partial or of an expression, and would make one of the
 * same name without that: then the one of the migrations stays.
 */
async function applyParts(
  scratch: pg.Client,
  sql: string,
  options: ReplayOptions,
): Promise<string[]> {
  const done: string[] = [];
  for (const part of sql.split(/\n\n(?=-- )/)) {
    try {
      await applyScript(scratch, { path: "Prisma's part", sql: part }, options);
      done.push(part);
    } catch (error) {
      const cause = error instanceof Error ? error.cause : null;
      const isTaken = cause instanceof pg.DatabaseError && cause.code === "42P07";
      if (!isTaken || !/^CREATE (UNIQUE )?INDEX/m.test(part)) throw error;
    }
  }
  return done;
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

/** @param keys null where Prisma's part cannot be made alone, such as for want of an extension. */
function noteOf(keys: string[] | null): string {
  const what = keys
    ? `The migrations make this too, beyond what the Prisma schema says, and it is expected: ${count(keys.length, "object")} (${fewOf(keys)}).`
    : "The Prisma schema stands on what only the migrations make, and all that they make is expected.";
  return `${what} \`tenantry-drift init\` writes it into migrations-sql.`;
}
