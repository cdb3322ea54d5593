/** Positions of sequences: what numbers the rows of a column must never give a number again. */
import type { CatalogObject } from "../model/object.ts";
import { literal, memberOf, relationOf } from "./way.ts";

type Continued = {
  column: CatalogObject;
  /** Null for the one behind an identity column, which PostgreSQL names. */
  sequence: string | null;
  /** The one that has numbered the column so far. */
  former: string | null;
};

/** The sequence of a default that is its next number, as SQL names it. */
export function sequenceIn(value: string | undefined): string | null {
  return (
    /^nextval\('((?:[^']|'')*)'::regclass\)$/.exec(value ?? "")?.[1]?.replaceAll("''", "'") ?? null
  );
}

/** Sets the sequence behind what the rows have, and behind what the former one has given. */
export function continued({ column, sequence, former }: Continued): string {
  const [table, member] = [relationOf(column), memberOf(column)];
  const target =
    sequence === null
      ? `pg_get_serial_sequence(${literal(table)}, ${literal(bare(member))})`
      : `${literal(sequence)}`;
  // Its own position too: where it was there before, it may be ahead of the rows.
  const given = [former, sequence]
    .filter((name) => name !== null)
    .map((name) => ` UNION ALL SELECT last_value FROM ${name} WHERE is_called`)
    .join("");
  return `SELECT setval(s.seqrelid, CASE WHEN s.seqincrement > 0 THEN max(n.n) ELSE min(n.n) END)
FROM pg_sequence s, (SELECT ${member}::bigint AS n FROM ${table}${given}) n
WHERE s.seqrelid = ${target}::regclass AND n.n IS NOT NULL GROUP BY s.seqrelid, s.seqincrement`;
}

/** A name without its quotes. */
function bare(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}
