/** Files of the project that are written whole or not at all: neither a full disk nor a kill leaves half of one under its name. */
import { randomBytes } from "node:crypto";
import { existsSync, type Stats } from "node:fs";
import {
  chmod,
  chown,
  lstat,
  mkdir,
  readdir,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { codeOf, DriftError, messageOf } from "../model/errors.ts";

const REASONS = new Map([
  ["ENOSPC", "there is no room on its disk"],
  ["EDQUOT", "there is no room on its disk for this user"],
  ["EACCES", "this user may not write there"],
  ["EPERM", "this user may not write there"],
  ["EROFS", "its disk is read-only"],
  ["EISDIR", "it is a folder"],
  ["ENOENT", "its folder does not exist"],
  ["ENOTDIR", "a part of the path is no folder"],
]);
/** A folder in which nothing may be made, or a file that is mounted by itself: then it is written in its place. */
const NOT_BESIDE = /^(EACCES|EPERM|EROFS|EBUSY|EXDEV)$/;

/** Makes the file or takes the place of the one there. @throws DriftError that says why, and then it is as it was. */
export async function writeWhole(
  path: string,
  text: string,
  { makeFolder = false } = {},
): Promise<void> {
  try {
    if (makeFolder) await mkdir(dirname(path), { recursive: true });
    const found = await stat(path).catch(() => null);
    if (found?.isFile() === false)
      await writeFile(path, text); // Such as a pipe.
    else await replace(found ? await realpath(path) : path, found, text); // A link stays one.
  } catch (error) {
    throw unwritten(path, error);
  }
}

/**
 * Makes the files with the folders that they need: all or none. What they need is made elsewhere and gets its name when it is
 * whole: who applies migrations takes every folder for one.
 * @param beside a folder where nobody looks for files of the kind.
 * @throws DriftError for one that is there already, and why it failed.
 */
export async function writeNew(
  files: { path: string; text: string }[],
  beside: string,
): Promise<void> {
  const present = files.find(({ path }) => existsSync(path));
  if (present) throw new DriftError(`${present.path} is there already, and nothing was written.`);
  const root = missingRoot(files.map(({ path }) => path));
  if (root !== null && (await writeFolder(root, files, beside))) return;
  const made: string[] = [];
  try {
    for (const { path, text } of files) {
      const folder = await mkdir(dirname(path), { recursive: true }).catch((error) => {
        throw unwritten(path, error);
      });
      made.unshift(path, ...(folder === undefined ? [] : [folder]));
      await writeWhole(path, text);
    }
  } catch (error) {
    for (const path of made) await rm(path, { recursive: true, force: true }).catch(() => {});
    throw error;
  }
}

/** The folder that is not there and would have all of the files, the outermost; null where there is none. */
function missingRoot([first = "", ...others]: string[]): string | null {
  let root: string | null = null;
  for (let folder = dirname(first); !existsSync(folder); folder = dirname(folder)) root = folder;
  const isAround = root !== null && others.every((path) => path.startsWith(`${root}/`));
  return isAround ? root : null;
}

/** False where folders cannot be made or moved like that. */
async function writeFolder(
  root: string,
  files: { path: string; text: string }[],
  beside: string,
): Promise<boolean> {
  await sweep(beside);
  const draft = join(beside, newDraft());
  let current = root;
  try {
    for (const { path, text } of files) {
      current = path;
      const target = join(draft, relative(root, path));
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, text, { flag: "wx", flush: true });
    }
    await rename(draft, root);
    return true;
  } catch (error) {
    await rm(draft, { recursive: true, force: true }).catch(() => {});
    if (NOT_BESIDE.test(codeOf(error) ?? "")) return false;
    throw unwritten(current, error);
  }
}

const DRAFT = /^\.drift-[0-9a-f]{16}$/;
const ABANDONED_MS = 3_600_000;

function newDraft(): string {
  return `.drift-${randomBytes(8).toString("hex")}`;
}

/** Removes drafts of runs that were killed. One that is young may be another run's. */
async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (!DRAFT.test(name)) continue;
    const path = join(folder, name);
    const found = await lstat(path).catch(() => null);
    if (found && found.mtimeMs < Date.now() - ABANDONED_MS)
      await rm(path, { recursive: true, force: true }).catch(() => {});
  }
}

async function replace(target: string, found: Stats | null, text: string): Promise<void> {
  await sweep(dirname(target));
  const draft = join(dirname(target), newDraft());
  try {
    await writeFile(draft, text, { flag: "wx", flush: true });
    if (found) await likeIt(draft, found);
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => {});
    if (!found || !NOT_BESIDE.test(codeOf(error) ?? "")) throw error;
    await writeFile(target, text);
  }
}

/** Whoever could read the one before can read this. Only a superuser gives files away. */
async function likeIt(draft: string, { uid, gid, mode }: Stats): Promise<void> {
  await chown(draft, uid, gid).catch(() => {});
  await chmod(draft, mode & 0o7777);
}

function unwritten(path: string, error: unknown): DriftError {
  const reason = REASONS.get(codeOf(error) ?? "") ?? messageOf(error);
  return new DriftError(`${path} cannot be written: ${reason}.`, { cause: error });
}
