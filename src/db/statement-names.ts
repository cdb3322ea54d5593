/**
 * Names of prepared statements. A named statement is planned once a connection, which doubles the throughput. A name is
 * the hash of its text, so that equal names mean equal statements, in every process and every build: behind a pooler the
 * names of all of them meet.
 */
import { createHash } from "node:crypto";

/** Prisma writes a statement for every length of an IN list, and each connection keeps all that it was given. */
const MOST_NAMES = 1000;
const names = new Map<string, string>();

/**
 * The name of a statement; empty, which is unnamed, once there are too many. The text alone makes it: no types of
 * parameters are sent with one, PostgreSQL infers them from the text.
 */
export function statementName(text: string): string {
  const known = names.get(text);
  if (known !== undefined) return known;
  if (names.size >= MOST_NAMES) return "";
  const name = `s_${createHash("sha256").update(text).digest("base64url").slice(0, 32)}`;
  names.set(text, name);
  return name;
}

/** A statement of ours that is worth a name. Called when a module is loaded, so that it comes before Prisma's. */
export function named(text: string): { name: string; text: string } {
  return { name: statementName(text), text };
}

/** Whether statements go out with names; the pool asks, and tells what the database says of them. */
export type StatementNames = {
  readonly inUse: boolean;
  /** Called with the SQLSTATE of every error, and the file of PostgreSQL's source that tells of it. */
  heard(code: string | undefined, file?: string): void;
};

/** With somebody else who wants to know of every error. */
export function alsoHeard(names: StatementNames, heard: StatementNames["heard"]): StatementNames {
  return {
    get inUse() {
      return names.inUse;
    },
    heard(...error) {
      names.heard(...error);
      heard(...error);
    },
  };
}
