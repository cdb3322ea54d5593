/** Which of many scripts made or last changed an object: they are applied once more, and the catalog is read in between. */
import pg from "pg";
import { inReadTransaction } from "../catalog/catalog.ts";
import { readObjects } from "../catalog/objects.ts";
import { type CatalogObject, keyOf } from "../model/object.ts";
import { isHeld } from "./hold.ts";
import { applyScript, type ReplayOptions, readMade, type Script } from "./replay.ts";
import { type ScratchServer, withScratchDatabase } from "./scratch.ts";

export type Replayed = {
  objects: CatalogObject[];
  /** Path of the script that declares an object, by its key. */
  declaredIn: Map<string, string>;
};

/** So many are read after each, which is exact. With more the reads would take longer than all else. */
const MOST_READS = 60;

/**
 * @param suspects the scripts, as places in the list, the likeliest first, whose text seems to declare what is looked for. Where there are too
 * many scripts to read after each, it is read before and after these alone, and an object that has changed between two
 * reads with several scripts in between is in none of the files for sure. Null reads after each in any case.
 */
export function replayIn(
  server: ScratchServer,
  scripts: Script[],
  options: ReplayOptions,
  suspects: number[] | null = null,
): Promise<Replayed> {
  const reads = readsOf(scripts.length, suspects);
  return withScratchDatabase(server, async (scratch, url) => {
    // Of its own: a script begins with DISCARD ALL, and the query is planned once a connection.
    const reader = new pg.Client({ connectionString: url, application_name: "drift" });
    reader.on("error", () => {}); // One that breaks while idle is noticed by the next query; unhandled, it would end the process.
    await reader.connect();
    try {
      const read = () =>
        isHeld(scratch)
          ? readMade(scratch, options)
          : inReadTransaction(reader, () => readObjects(reader, options, true));
      const declaredIn = new Map<string, string>();
      let objects = await read();
      let since = 0;
      for (const [place, script] of scripts.entries()) {
        await applyScript(scratch, script, options);
        if (!reads.has(place)) continue;
        const before = new Map(objects.map((object) => [keyOf(object), object.definition]));
        objects = await read();
        const isCertain = place === since;
        since = place + 1;
        for (const object of objects) {
          if (before.get(keyOf(object)) === object.definition) continue;
          if (isCertain) declaredIn.set(keyOf(object), script.path);
          else declaredIn.delete(keyOf(object));
        }
      }
      return { objects, declaredIn };
    } finally {
      await reader.end().catch(() => {}); // It may have been ended with its database.
    }
  });
}

/** After which scripts the catalog is read: all, or before and after those that are suspected, as far as time allows. */
function readsOf(length: number, suspects: number[] | null): Set<number> {
  if (length <= MOST_READS || suspects === null)
    return new Set(Array.from({ length }, (_, place) => place));
  const reads = new Set([length - 1]);
  for (const place of suspects) {
    if (reads.size >= MOST_READS) break;
    if (place > 0) reads.add(place - 1);
    reads.add(place);
  }
  return reads;
}
