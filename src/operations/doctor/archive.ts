/** Whether the write-ahead log is archived, and how old the last backup is, where that can be known. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type pg from "pg";
import { Manifest } from "../backup/manifest.ts";
import { type Finding, note, ok, wrong } from "./finding.ts";

const DAY_MILLIS = 86_400_000;
/** A backup that is older is one that somebody stopped making. */
const OLD_DAYS = 7;
const PATIENCE_MILLIS = 10_000;

type Archiver = { mode: string; archived: Date | null; failed: Date | null; wal: string | null };

export async function checkArchive(client: pg.Client): Promise<Finding> {
  const { rows } = await client.query<Archiver>(`
    SELECT current_setting('archive_mode') AS mode, last_archived_time AS archived, last_failed_time AS failed, last_failed_wal AS wal
    FROM pg_stat_archiver`);
  return judgeArchiver(rows[0] ?? { mode: "off", archived: null, failed: null, wal: null });
}

export function judgeArchiver({ mode, archived, failed, wal }: Archiver): Finding {
  if (mode === "off")
    return note(
      "archive_mode",
      "off: after a loss the last backup is the newest state there is",
      "docs/operations/backup.md, for any point in time",
    );
  if (failed !== null && (archived === null || failed > archived))
    return wrong(
      "archive_mode",
      `on, and archiving fails: ${wal} at ${failed.toISOString()}`,
      "the server's log says why; the disk fills up until it works",
    );
  return archived === null
    ? note(
        "archive_mode",
        "on, and nothing was archived yet",
        "SELECT pg_switch_wal(), and look again",
      )
    : ok("archive_mode", `${mode}, last at ${archived.toISOString()}`);
}

export type Known = { by: string; at: Date };

/** @param folder of what db:backup wrote, where somebody names one. */
export async function checkBackups(
  client: pg.Client,
  folder: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<Finding> {
  const found = await Promise.all([
    folder === undefined ? [] : dumpsIn(folder),
    ofPgBackRest(client, env),
    ofBarman(env),
  ]);
  return judgeBackups(found.flat(), new Date());
}

export function judgeBackups(known: Known[], now: Date): Finding {
  const [last] = known.toSorted((a, b) => b.at.getTime() - a.at.getTime());
  if (!last)
    return note(
      "backup",
      "none is known on this machine: PostgreSQL itself keeps no record of them",
      "--backups FOLDER of db:backup, or run it where pgbackrest or barman runs",
    );
  const days = (now.getTime() - last.at.getTime()) / DAY_MILLIS;
  const what = `the last one, by ${last.by}, is ${days < 2 ? `${Math.round(days * 24)} hours` : `${Math.floor(days)} days`} old`;
  return days > OLD_DAYS
    ? wrong("backup", what, "find out why none was made since")
    : ok("backup", what);
}

async function dumpsIn(folder: string): Promise<Known[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".json"));
  const manifests = await Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(folder, name), "utf8").catch(() => "null");
      return Manifest.safeParse(parsed(text)).data;
    }),
  );
  return manifests.flatMap((manifest) =>
    manifest ? [{ by: "db:backup", at: new Date(manifest.madeAt) }] : [],
  );
}

type PgBackRest = {
  db: { "system-id": string }[];
  backup: { timestamp: { stop: number }; error: boolean | null }[];
}[];

/** Of this very cluster: one repository may hold those of many. */
async function ofPgBackRest(client: pg.Client, env: NodeJS.ProcessEnv): Promise<Known[]> {
  const text = await outputOf(["pgbackrest", "info", "--output=json"], env);
  // A number of 64 bits: as one it would be rounded.
  const stanzas = parsed(text?.replace(/("system-id":)(\d+)/g, '$1"$2"')) as PgBackRest | null;
  if (!stanzas) return [];
  const { rows } = await client.query<{ id: string }>(
    "SELECT system_identifier::text AS id FROM pg_control_system()",
  );
  return stanzas
    .filter(({ db }) => db.some((each) => each["system-id"] === rows[0]?.id))
    .flatMap(({ backup }) => backup.filter(({ error }) => error !== true))
    .map(({ timestamp }) => ({ by: "pgbackrest", at: new Date(timestamp.stop * 1000) }));
}

type Barman = Record<string, { end_time_timestamp?: string; status?: string }[]>;

async function ofBarman(env: NodeJS.ProcessEnv): Promise<Known[]> {
  const text = await outputOf(["barman", "--format", "json", "list-backups", "all"], env);
  const servers = (parsed(text) ?? {}) as Barman;
  return Object.values(servers)
    .flat()
    .flatMap(({ end_time_timestamp: end }) =>
      end ? [{ by: "barman", at: new Date(Number(end) * 1000) }] : [],
    );
}

/** Null where there is no such program, or it fails. */
async function outputOf(
  command: [string, ...string[]],
  env: NodeJS.ProcessEnv,
): Promise<string | null> {
  const path = Bun.which(command[0], { PATH: env.PATH ?? "" });
  if (path === null) return null;
  const child = Bun.spawn([path, ...command.slice(1)], {
    env,
    stdio: ["ignore", "pipe", "ignore"],
    timeout: PATIENCE_MILLIS,
  });
  const [text, status] = await Promise.all([child.stdout.text(), child.exited]);
  return status === 0 ? text : null;
}

function parsed(text: string | null | undefined): unknown {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}
