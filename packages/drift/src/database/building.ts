/** Indexes that somebody builds beside the traffic: until that has ended they are there, and INVALID. */
import type pg from "pg";
import { fewOf } from "../model/words.ts";

const BUILDING = `
SELECT concat('index ', i.oid::regclass, ' (process ', p.pid, ')') AS name
FROM pg_stat_progress_create_index p JOIN pg_class i ON i.oid = p.index_relid JOIN pg_namespace n ON n.oid = i.relnamespace
WHERE p.datname = current_database() AND n.nspname = ANY ($1) ORDER BY 1`;

/** Nothing where none is being built. */
export async function buildingNotes(client: pg.Client, schemas: string[]): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(BUILDING, [schemas]);
  if (rows.length === 0) return [];
  return [
    `Built at the moment, and not valid before that has ended: ${fewOf(rows.map(({ name }) => name))}. Wait for it before a repair.`,
  ];
}
