/**
 * Names of tenants that look like another's (UTS #39, section 4). Two firms may have one name, and always could: their slugs
 * tell them apart, and whoever searches finds both. A name that only looks the same, `Acme Bаnk` with a Cyrillic а, is found
 * by no search and compares as another one, so it is never honest and is refused among the tenants that are live. The
 * constraint `tenants_lookalike` holds it, whoever writes (migrations-sql/020_tenants.sql). That a name is refused tells that
 * a tenant is called so; as much tells a slug that is taken, and slugs are public.
 */
import type { Database } from "../db/client.ts";
import { violatesExclusion } from "../db/failures.ts";
import { ApiError } from "../errors.ts";
import type { Log } from "../log.ts";

/** Of names whose characters stand for many; in an index, longer ones would not fit. */
const LONGEST = 400;

type Looks = { nameSkeleton: string; nameFolded: string };

/** How a name looks, and which name it is: in any case, with any spaces. */
export async function looksOf(name: string): Promise<Looks> {
  // A table of all characters, 3.5 MB in memory: read with the first tenant that is named.
  const { default: unhomoglyph } = await import("unhomoglyph");
  const bones = (text: string) => unhomoglyph(seen(text)).normalize("NFD").replace(/\s+/g, " ");
  const folded = name.normalize("NFC").toLowerCase().replace(/\s+/g, " ");
  // Twice, as capitals look like other things than small letters: АСМЕ in Cyrillic is ACME, and so acme.
  const skeleton = bones(bones(name).toLowerCase());
  return { nameSkeleton: skeleton.slice(0, LONGEST), nameFolded: folded.slice(0, LONGEST) };
}

function seen(name: string): string {
  return name.normalize("NFKD").replace(/\p{Default_Ignorable_Code_Point}/gu, "");
}

/** For callers that make the tenant later. @throws ApiError `name_confusable`. */
export async function assertNameHonest({ db }: { db: Database }, name: string): Promise<void> {
  const { nameSkeleton, nameFolded } = await looksOf(name);
  const found = await db.tenant.count({
    where: { nameSkeleton, isDeleted: false, NOT: { nameFolded } },
  });
  if (found > 0) throw new ApiError("name_confusable");
}

export async function withHonestName<T>(write: Promise<T>): Promise<T> {
  try {
    return await write;
  } catch (err) {
    if (violatesExclusion(err)) throw new ApiError("name_confusable", undefined, { cause: err });
    throw err;
  }
}

/** So many tenants in one night; a year of nights is not in question. */
const A_NIGHT = 5000;

const WITHOUT_LOOKS = { nameSkeleton: null, isDeleted: false };

export function countWithoutLooks({ db }: { db: Database }): Promise<number> {
  return db.tenant.count({ where: WITHOUT_LOOKS });
}

/**
 * The looks of tenants from before there were any. Of two that look alike already the later one is left out, and is named.
 * Answers how many were filled in.
 */
export async function fillLooks({ db, log }: { db: Database; log: Log }): Promise<number> {
  const tenants = await db.tenant.findMany({
    where: WITHOUT_LOOKS,
    select: { id: true, name: true },
    orderBy: { id: "asc" },
    take: A_NIGHT,
  });
  let filled = 0;
  for (const { id, name } of tenants)
    try {
      filled += (await db.tenant.updateMany({ where: { id, name }, data: await looksOf(name) }))
        .count;
    } catch (err) {
      if (!violatesExclusion(err)) throw err;
      log("warn", "a tenant's name looks like that of another one", { tenantId: id });
    }
  return filled;
}
