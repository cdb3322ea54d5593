/** What bun.lock says of production: which packages an image is made of, and who needs whom. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./prepare.ts";

export type Locked = {
  /** Where bun.lock has it: its name, or below which packages another version of it lies. */
  place: string;
  name: string;
  version: string;
  /** As bun.lock writes it: `sha512-` and base64. Null for a package of this repository. */
  integrity: string | null;
  /** Of this repository: the folder. */
  folder: string | null;
  /** The places of what it needs. */
  needs: string[];
  /** Whether it is only there on processors that it is made for. */
  optional: boolean;
};

type Needs = Record<string, string>;
type Manifest = {
  name?: string;
  dependencies?: Needs;
  optionalDependencies?: Needs;
  os?: string | string[];
  libc?: string | string[];
};
type Lock = {
  workspaces: Record<string, Manifest>;
  packages: Record<string, [string, ...unknown[]]>;
};

const OF_THIS_REPOSITORY = "workspace:";

/**
 * Everything that `bun install --production --omit=peer --filter NAME` installs for these packages of the repository on
 * Linux with glibc, as the images have it, on any processor; themselves first.
 * @param names of workspaces, as their package.json says. @throws Error when bun.lock knows no such one.
 */
export function readProduction(names: string[]): Locked[] {
  const lock = readLock();
  const found = new Map<string, Locked>();
  for (const name of names) visit(placeOf(lock, name), false);
  return [...found.values()];

  function visit(place: string, optional: boolean): void {
    const known = found.get(place);
    // What somebody needs on every machine is not optional, whoever else could do without it.
    if (known && (!known.optional || optional)) return;
    const { manifest, ...locked } = readPackage(lock, place);
    const resolve = (names: Needs = {}) =>
      Object.keys(names).flatMap((name) => resolvePlace(lock, place, name) ?? []);
    const needs = resolve(manifest.dependencies);
    const wishes = resolve(manifest.optionalDependencies).filter((wish) =>
      isForImages(readPackage(lock, wish).manifest),
    );
    found.set(place, { ...locked, place, optional, needs: [...needs, ...wishes] });
    for (const needed of needs) visit(needed, optional);
    for (const wished of wishes) visit(wished, true);
  }
}

function isForImages({ os = "linux", libc = "glibc" }: Manifest): boolean {
  return [os].flat().includes("linux") && [libc].flat().includes("glibc");
}

/** bun.lock is JSON with commas at the ends. */
function readLock(): Lock {
  const text = readFileSync(join(ROOT, "bun.lock"), "utf8");
  return Object(Bun.JSONC.parse(text));
}

/** The root of the repository has no entry among the packages: its place is "". */
function placeOf(lock: Lock, name: string): string {
  if (lock.workspaces[""]?.name === name) return "";
  if (lock.packages[name]?.[0].includes(`@${OF_THIS_REPOSITORY}`)) return name;
  throw new Error(`bun.lock has no workspace ${name}`);
}

function readPackage(lock: Lock, place: string) {
  const entry = lock.packages[place];
  const [, name = "", version = ""] = /^(.+)@(.+)$/.exec(entry?.[0] ?? "") ?? [];
  if (entry && !version.startsWith(OF_THIS_REPOSITORY)) {
    const manifest: Manifest = Object(entry[2]);
    return { manifest, name, version, integrity: String(entry[3]), folder: null };
  }
  const folder = version.slice(OF_THIS_REPOSITORY.length);
  const manifest = lock.workspaces[folder] ?? {};
  const own = JSON.parse(readFileSync(join(ROOT, folder, "package.json"), "utf8"));
  return {
    manifest,
    name: String(own.name),
    version: String(own.version),
    integrity: null,
    folder,
  };
}

/** As Node looks for it: below the package itself, then below each that it lies in. Null where it is for other machines. */
function resolvePlace(lock: Lock, from: string, name: string): string | null {
  // Names with a scope hold a slash of their own.
  const parts = from.match(/@[^/]+\/[^/]+|[^/]+/g) ?? [];
  for (let depth = parts.length; depth >= 0; depth -= 1) {
    const place = [...parts.slice(0, depth), name].join("/");
    if (lock.packages[place]) return place;
  }
  return null;
}
