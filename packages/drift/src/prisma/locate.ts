/** Finds the schema engine that the project's own Prisma has: each version reads the schemas of its time alone. */
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { DriftError } from "../model/errors.ts";

export type Located = {
  path: string;
  kind: "wasm" | "native";
  /** Of Prisma, 0 where that is not known. */
  major: number;
};

const WASM = "schema_engine_bg.wasm";

/**
 * Looks from the schema upwards, from where the check runs, and last from where the check itself is installed.
 * @throws DriftError when there is none.
 */
export function locateEngine(schema: string): Located {
  const places = [dirname(resolve(schema)), process.cwd(), dirname(fileURLToPath(import.meta.url))];
  for (const place of places) {
    const found = besidePrisma(place) ?? inPackage(place) ?? named();
    if (found) return found;
  }
  throw new DriftError(
    `Prisma's schema engine is not to be found from ${places[0]}. Install the project's packages, Prisma among them: npm install --save-dev prisma. Where that has no engine (before 6.6, if its download failed), install @prisma/schema-engine-wasm in the version that @prisma/engines-version has.`,
  );
}

/** Since 6.6 the package carries the engine; before, a postinstall script downloaded it to a package beside. */
function besidePrisma(place: string): Located | null {
  const prisma = packageFolder("prisma", place);
  if (prisma === null) return null;
  const major = majorOf(prisma);
  const wasm = join(prisma, "build", WASM);
  if (existsSync(wasm)) return { path: wasm, kind: "wasm", major };
  const engines =
    packageFolder("@prisma/engines", prisma) ?? packageFolder("@prisma/engines", place);
  const name = engines && readdirSync(engines).find((name) => /^schema-engine-/.test(name));
  return engines && name ? { path: join(engines, name), kind: "native", major } : null;
}

function inPackage(place: string): Located | null {
  const folder = packageFolder("@prisma/schema-engine-wasm", place);
  return folder === null
    ? null
    : { path: join(folder, WASM), kind: "wasm", major: majorOf(folder) };
}

/** Prisma's own variable for an engine that lies elsewhere. */
function named(): Located | null {
  const path = process.env.PRISMA_SCHEMA_ENGINE_BINARY;
  return path ? { path, kind: "native", major: 0 } : null;
}

/** By the folders, for a package need not export its package.json. */
export function packageFolder(name: string, from: string): string | null {
  const folders = createRequire(join(from, "_")).resolve.paths(name) ?? [];
  const found = folders.find((folder) => existsSync(join(folder, name, "package.json")));
  return found === undefined ? null : realpathSync(join(found, name));
}

function majorOf(folder: string): number {
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return Number.parseInt(String(version), 10) || 0;
}
