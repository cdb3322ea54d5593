/** What can be wrong with a history of migrations, told apart, each with the command that mends it. */

import type { HistoryRow } from "../database/migrations-table.ts";
import type { Migration } from "./files.ts";

export type Fault = {
  migration: string;
  fault: "edited" | "failed" | "missing" | "unknown" | "out of order" | "rolled back";
  explanation: string;
  /** The command that mends it, or that tells more. */
  mend: string;
};

/** The faults of one history, by the name of the migration. */
export function faultsOf(migrations: Migration[], history: HistoryRow[]): Fault[] {
  const applied = history.filter(({ outcome }) => outcome === "applied");
  const faults = [
    ...edited(migrations, applied),
    ...failed(history),
    ...notInFolder(migrations, applied),
    ...outOfOrder(migrations, applied, history),
    ...rolledBack(migrations, history),
  ];
  return faults.sort((one, other) => (one.migration < other.migration ? -1 : 1));
}

function edited(migrations: Migration[], applied: HistoryRow[]): Fault[] {
  return migrations.flatMap(({ name, path, checksums }) => {
    const row = applied.findLast((row) => row.name === name);
    if (!row || checksums.includes(row.checksum)) return [];
    return {
      migration: name,
      fault: "edited",
      explanation:
        "migration.sql was edited after it was applied, so a new database is made differently.",
      mend: `git log --oneline -- ${path}   # restore the version that was applied, and put the change into a new migration`,
    };
  });
}

function failed(history: HistoryRow[]): Fault[] {
  return latest(history)
    .filter(({ outcome }) => outcome === "failed")
    .map(({ name }) => ({
      migration: name,
      fault: "failed",
      explanation: "it failed half-way, and Prisma applies nothing more until that is resolved.",
      mend: `npx prisma migrate resolve --rolled-back ${name}   # once nothing of it is left, else --applied once all of it is there`,
    }));
}

/** Older than the newest of the folder: it was here. Newer: another checkout has it. */
function notInFolder(migrations: Migration[], applied: HistoryRow[]): Fault[] {
  const known = new Set(migrations.map(({ name }) => name));
  const newest = migrations.at(-1)?.name ?? "";
  const unknown = new Set(applied.map(({ name }) => name).filter((name) => !known.has(name)));
  return [...unknown].map((name) =>
    name > newest
      ? {
          migration: name,
          fault: "unknown",
          explanation:
            "it is applied and newer than all in the migrations folder: the database is ahead of this checkout.",
          mend: "git pull   # or check out the release that is deployed",
        }
      : {
          migration: name,
          fault: "missing",
          explanation: "it is applied, but its folder is gone from the migrations folder.",
          mend: `git log --oneline --diff-filter=D -- '*/${name}/migration.sql'   # restore the folder from the commit before`,
        },
  );
}

/** A new database gets them by name, so what came later by the clock and earlier by name may not make the same. */
function outOfOrder(
  migrations: Migration[],
  applied: HistoryRow[],
  history: HistoryRow[],
): Fault[] {
  const known = new Set(migrations.map(({ name }) => name));
  let newest = "";
  const faults = applied.flatMap(({ name }): Fault[] => {
    const after = newest;
    newest = name > newest ? name : newest;
    if (name >= after || !known.has(name)) return [];
    return [
      {
        migration: name,
        fault: "out of order",
        explanation: `it was applied after ${after}, and a new database gets it before.`,
        mend: "tenantry-drift parity   # shows whether the order matters",
      },
    ];
  });
  const tried = new Set(history.map(({ name }) => name));
  const late = migrations.filter(({ name }) => name < newest && !tried.has(name));
  return [
    ...faults,
    ...late.map(({ name, path }): Fault => {
      const folder = path.slice(0, path.lastIndexOf("/"));
      return {
        migration: name,
        fault: "out of order",
        explanation: `it is pending, and ${newest}, which comes after it, is applied already.`,
        mend: `mv ${folder} ${folder.replace(name, renamed(name, newest))}   # so that it comes last everywhere`,
      };
    }),
  ];
}

function rolledBack(migrations: Migration[], history: HistoryRow[]): Fault[] {
  const known = new Set(migrations.map(({ name }) => name));
  return latest(history)
    .filter(({ name, outcome }) => outcome === "rolled back" && known.has(name))
    .map(({ name }) => ({
      migration: name,
      fault: "rolled back",
      explanation: "it was marked as rolled back, so the next deploy applies it again.",
      mend: "npx prisma migrate deploy   # once it is mended",
    }));
}

/** The last row of each migration: one that was resolved has more than one. */
function latest(history: HistoryRow[]): HistoryRow[] {
  return [...new Map(history.map((row) => [row.name, row])).values()];
}

/** The name with a stamp just after that of the newest. */
function renamed(name: string, newest: string): string {
  const stamp = /^\d+/.exec(newest)?.[0] ?? "";
  return String(BigInt(stamp || "0") + 1n).padStart(stamp.length, "0") + name.replace(/^\d+/, "");
}
