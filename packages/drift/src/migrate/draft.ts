/** Writes a migration and its way back, and proves both by replay before anybody sees them. */
import pg from "pg";
import { inReadTransaction } from "../catalog/catalog.ts";
import { withConnection } from "../database/connection.ts";
import { build, type ReplayOptions } from "../database/replay.ts";
import { type ScratchServer, withScratchDatabase } from "../database/scratch.ts";
import { differingKeys } from "../model/diff.ts";
import { DriftError, messageOf } from "../model/errors.ts";
import { type CatalogObject, keyOf } from "../model/object.ts";
import type { SchemaFile } from "../prisma/schema-file.ts";
import { changesToSql } from "../prisma/to-sql.ts";
import type { Migration } from "../project/files.ts";
import { ORDER } from "../repair/enums.ts";
import { type Plan, plan, type Step } from "../repair/plan.ts";
import { prove } from "../repair/proof.ts";
import { planFrom } from "../repair/proposal.ts";
import { block } from "../repair/script.ts";
import { committing, type Reader } from "../repair/trial.ts";

export type Draft = {
  migration: string;
  rollback: string;
  /** What rows lose by the migration, and which tables it writes anew. */
  harm: Harm;
};

export type Harm = { losses: string[]; rewrites: string[]; steps: Step[] };

export type Work = {
  server: ScratchServer;
  replay: ReplayOptions;
  reader: Reader;
  migrations: Migration[];
  schemaFiles: SchemaFile[];
  /** What the Prisma schema alone declares, what all files declare, and what the migrations make. */
  prisma: CatalogObject[];
  declared: CatalogObject[];
  history: CatalogObject[];
};

/** Prisma's own statements come first where they lead to a proof; else all are this program's. */
export async function draft(work: Work): Promise<Draft> {
  const doubts: string[] = [];
  for (const prisma of [fromPrisma, async () => ""]) {
    try {
      const written = await write(work, await prisma(work));
      await proveByReplay(work, written);
      return written;
    } catch (error) {
      if (!(error instanceof DriftError)) throw error;
      doubts.push(error.message);
    }
  }
  throw new DriftError(
    `No migration was found that is proved by replay. Nothing was written.\n${doubts.at(-1)}`,
  );
}

/** True for what the schema has no words for: only a file of hand-written SQL could keep it. */
export function isBeyondPrisma({ kind, definition }: CatalogObject): boolean {
  return (
    !PRISMA_KINDS.includes(kind) || (kind === "constraint" && /^(CHECK|EXCLUDE)\b/.test(definition))
  );
}

/** In a database that the migrations have made: what Prisma writes, the rest, and from there the way back. */
function write(
  { server, replay, reader, migrations, ...work }: Work,
  prisma: string,
): Promise<Draft> {
  return withScratchDatabase(server, async (scratch) => {
    await build(scratch, migrations, replay);
    const before = prisma ? await harmOf(scratch, prisma, reader, replay) : NO_HARM;
    if (prisma)
      await build(scratch, [{ path: "Prisma's part of the migration", sql: prisma }], replay);
    const forward = await planFrom(scratch, { expected: work.declared, reader });
    // Prisma adds labels at the end: they are better put where they belong at once.
    if (prisma && forward.destructive.some(({ destroys }) => destroys === ORDER))
      throw new DriftError("Prisma's part leaves labels of an enum in another order.");
    await applyPlan(scratch, forward, "the migration");
    const back = await planFrom(scratch, { expected: work.history, reader });
    const steps = [...forward.safe, ...forward.destructive];
    const harm = {
      losses: [...before.losses, ...forward.losses],
      rewrites: [...before.rewrites, ...steps.flatMap(({ rewrites = [] }) => rewrites)],
      steps,
    };
    return { migration: text(prisma, forward), rollback: text("", back), harm };
  });
}

const NO_HARM: Harm = { losses: [], rewrites: [], steps: [] };

/** What Prisma's statements do to rows: they are no steps of a plan, and say nothing of it themselves. */
async function harmOf(
  scratch: pg.Client,
  prisma: string,
  reader: Reader,
  { defaultSchema }: ReplayOptions,
): Promise<Harm> {
  const path = pg.escapeIdentifier(defaultSchema ?? "public");
  const sql = [`SET LOCAL search_path = ${path}`, prisma, "SET LOCAL search_path = ''"];
  const step = { reason: "Prisma's part", key: "", mends: "", sql, destroys: null };
  const { losses, rewrites } = await prove(scratch, [step], {
    expected: null,
    reader,
    known: new Set(),
  });
  return { losses, rewrites: [...rewrites.values()].flat(), steps: [] };
}

/** What Prisma would see if the files of hand-written SQL were not there, against the schema. */
function fromPrisma({ server, schemaFiles, reader, replay, ...work }: Work): Promise<string> {
  return withScratchDatabase(server, async (scratch, url) => {
    const seen = seenByPrisma(work);
    const { unresolved } = await plan(await committing(scratch, reader), seen, { isCopy: true });
    if (unresolved.length > 0)
      throw new DriftError(`Prisma's part cannot be told apart: ${unresolved[0]?.reason}.`);
    const schema = replay.defaultSchema ?? "public";
    return withConnection(url, async (client) => {
      await client.query(`SET search_path = ${pg.escapeIdentifier(schema)}`);
      return changesToSql(schemaFiles, { client, url, schema }, replay.externals).catch((error) => {
        throw new DriftError(
          `Prisma's schema engine could not compare the schema: ${messageOf(error).trim()}`,
          { cause: error },
        );
      });
    });
  });
}

/** Kinds that Prisma's schema has words for, and what those need to stand on. */
const PRISMA_KINDS = [
  "schema",
  "extension",
  "enum",
  "sequence",
  "table",
  "column",
  "constraint",
  "index",
];

/** The history without what only hand-written SQL declares, and with Prisma's word where both declare the same. */
function seenByPrisma({
  prisma,
  declared,
  history,
}: Pick<Work, "prisma" | "declared" | "history">) {
  const [own, all, past] = [prisma, declared, history].map(
    (objects) => new Map(objects.map((object) => [keyOf(object), object])),
  ) as [Map<string, CatalogObject>, Map<string, CatalogObject>, Map<string, CatalogObject>];
  // What is in a schema is not written because the schema is.
  const isWritten = (key: string): boolean =>
    key !== "" &&
    !key.startsWith("schema ") &&
    ((all.has(key) && !own.has(key)) || isWritten(past.get(key)?.parent ?? ""));
  return history
    .filter(({ kind }) => PRISMA_KINDS.includes(kind))
    .filter((object) => object.kind === "extension" || !isWritten(keyOf(object)))
    .map((object) => {
      const isUnchanged = all.get(keyOf(object))?.definition === object.definition;
      return (isUnchanged && own.get(keyOf(object))) || object;
    });
}

async function proveByReplay(
  { server, replay, migrations, reader, ...work }: Work,
  { migration, rollback }: Draft,
) {
  await withScratchDatabase(server, async (scratch) => {
    const run = async (path: string, sql: string, expected: CatalogObject[]) => {
      await build(scratch, [{ path, sql }], replay);
      const left = differingKeys(expected, await inReadTransaction(scratch, () => reader(scratch)));
      if (left.length > 0) throw new DriftError(`After ${path} there differ: ${left.join(", ")}.`);
    };
    await build(scratch, migrations, replay);
    await run("migration.sql", migration, work.declared);
    await run("rollback.sql", rollback, work.history);
  });
}

async function applyPlan(scratch: pg.Client, steps: Plan & { doubt: string | null }, what: string) {
  if (steps.doubt !== null) throw new DriftError(`For ${what}, ${steps.doubt}.`);
  const { run } = await committing(scratch, async () => []);
  for (const { sql } of [...steps.safe, ...steps.destructive]) {
    await run(sql).catch((error) => {
      throw new DriftError(`For ${what}: ${messageOf(error)}`, { cause: error });
    });
  }
}

/** The script runs in Prisma's session, where names without a schema may mean anything and bodies are checked. */
function text(prisma: string, { safe, destructive }: Plan): string {
  const steps = [...safe, ...destructive];
  const settings = steps.some(({ sql }) =>
    sql.some((statement) => /^CREATE (OR REPLACE )?(FUNCTION|PROCEDURE)/.test(statement)),
  )
    ? ["-- The bodies of functions may name what comes later.\nSET check_function_bodies = off;"]
    : [];
  return `${[...(prisma ? [prisma] : []), ...settings, ...steps.map(blockOf)].join("\n\n")}\n`;
}

/** In a migration nothing is missing or unexpected: it is what is done. */
export function blockOf(step: Step): string {
  const verbs = { missing: "Add", unexpected: "Drop", changed: "Change", renamed: "Rename" };
  const [, change, object] = /^(missing|unexpected|changed|renamed) (.*)$/s.exec(step.reason) ?? [];
  const verb = verbs[change as keyof typeof verbs];
  return block(verb ? { ...step, reason: `${verb} ${object}` } : step);
}
