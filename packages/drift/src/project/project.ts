/** All that a project says in files of what its database should be, and of what counts when the two are compared. */
import type { Scope } from "../catalog/objects.ts";
import type { Script } from "../database/replay.ts";
import { begun } from "../database/work.ts";
import { isExternal } from "../prisma/externals.ts";
import { type Exception, readExceptions } from "./exceptions.ts";
import {
  type Migration,
  type ProjectFiles,
  readDeclared,
  readDeclaredSources,
  readMigrations,
} from "./files.ts";
import { type Ignored, readIgnored } from "./ignore.ts";
import { type RolesManifest, readRolesManifest } from "./roles.ts";
import { readSnapshot, type Snapshot } from "./snapshot.ts";

/** Files are null when the project has none. */
export type RuleFiles = {
  ignoreFile: string | null;
  /** Patterns of objects to leave out, besides those of the file. */
  ignore: string[];
  /** Keys of what Prisma's configuration leaves to others. */
  external: string[];
  allowFile: string | null;
  rolesFile: string | null;
};

export type SnapshotFile = {
  /** Takes the committed snapshot for what is declared. */
  useSnapshot: boolean;
  snapshotFile: string;
};

export type Rules = { ignored: Ignored; exceptions: Exception[] };

export type Project = Rules & {
  roles: RolesManifest;
  migrations: Migration[];
  snapshot: Snapshot | null;
  /** Prisma's engine takes its time, in which a database can be asked. Beside a snapshot the texts do, if they are there. */
  declared: Promise<Script[]>;
};

export async function readProject(
  options: ProjectFiles & RuleFiles & SnapshotFile & Scope,
): Promise<Project> {
  const [isIgnored, exceptions, roles, migrations, snapshot] = await Promise.all([
    readIgnored(options.ignoreFile, options.ignore, options.external),
    readExceptions(options.allowFile),
    readRolesManifest(options.rolesFile),
    readMigrations(options.migrations),
    options.useSnapshot ? readSnapshot(options.snapshotFile, options) : null,
  ]);
  const declared = snapshot
    ? readDeclaredSources(options).catch(() => []) // A deployed image may carry the snapshot alone.
    : begun(readDeclared(options));
  // A deployed image may lack the configuration that the snapshot was written with.
  const isOthers = isExternal(snapshot?.external ?? []);
  const ignored: Ignored = (key) => isIgnored(key) || isOthers(key);
  return { ignored, exceptions, roles, migrations, snapshot, declared };
}
