/** How much a database has grown since its statistics were last kept. */
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { CannotRun } from "../cannot-run.ts";
import type { Stats } from "./read.ts";

/** What a comparison needs of it. The rest is whatever the command printed. */
const Kept = z.looseObject({
  at: z.iso.datetime(),
  database: z.looseObject({ name: z.string(), bytes: z.number() }),
  tables: z.array(z.looseObject({ name: z.string(), rows: z.number(), bytes: z.number() })),
  indexes: z.array(z.looseObject({ name: z.string(), scans: z.number() })),
});

export type Growth = {
  since: string;
  days: number;
  bytes: number;
  /** Of tables that grew or shrank, the most first. */
  tables: { name: string; bytes: number; rows: number }[];
};

/** @param path of what `db:stats --json` printed. @throws CannotRun when it is no such file. */
export async function readEarlier(path: string): Promise<Stats> {
  try {
    return Kept.parse(JSON.parse(await readFile(path, "utf8"))) as unknown as Stats;
  } catch (cause) {
    throw new CannotRun(`${path} is not what db:stats --json printed.`, { cause });
  }
}

/** @throws CannotRun when the two are of different databases. */
export function growthSince(stats: Stats, earlier: Stats): Growth {
  const { name, bytes } = earlier.database;
  if (name !== stats.database.name)
    throw new CannotRun(
      `--since is of the database ${name}, and DATABASE_URL names ${stats.database.name}.`,
    );
  const before = new Map(earlier.tables.map((table) => [table.name, table]));
  const tables = stats.tables.map((table) => ({
    name: table.name,
    bytes: table.bytes - (before.get(table.name)?.bytes ?? 0),
    rows: table.rows - (before.get(table.name)?.rows ?? 0),
  }));
  return {
    since: earlier.at,
    days: (Date.parse(stats.at) - Date.parse(earlier.at)) / 86_400_000,
    bytes: stats.database.bytes - bytes,
    tables: tables
      .filter((table) => table.bytes !== 0)
      .toSorted((a, b) => Math.abs(b.bytes) - Math.abs(a.bytes)),
  };
}
