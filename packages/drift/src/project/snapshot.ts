/**
 * The expected catalog as a file that is committed: one object a line, so that a pull request shows what it changes,
 * and a read-only login can check a database against it.
 */
import { readFile } from "node:fs/promises";
import { canonicalText } from "../catalog/kinds.ts";
import type { Scope } from "../catalog/objects.ts";
import { codeOf, DriftError, messageOf } from "../model/errors.ts";
import { canonical, fingerprintOf, sorted } from "../model/fingerprint.ts";
import { type CatalogObject, keyOf } from "../model/object.ts";

export type Snapshot = {
  scope: Scope;
  objects: CatalogObject[];
  /** Path of the file that declares an object, by its key. */
  declaredIn: Map<string, string>;
  /** Keys of what Prisma's configuration leaves to others. */
  external?: string[];
};

/** Grows when the file, or what stands in a definition, becomes another. */
const VERSION = 1;

/** The text of the file. The fingerprint is of the objects alone: where they are declared makes no database another. */
export function formatSnapshot({ scope, objects, declaredIn, external = [] }: Snapshot): string {
  const lines = sorted(objects).map((object) => {
    const path = declaredIn.get(keyOf(object));
    return path === undefined
      ? canonical(object)
      : `${canonical(object).slice(0, -1)},"declaredIn":${JSON.stringify(path)}}`;
  });
  return `{
"version": ${VERSION},
"fingerprint": "${fingerprintOf(objects)}",
"scope": ${describe(scope)},${external.length > 0 ? `\n"external": ${JSON.stringify(external.toSorted())},` : ""}
"objects": [
${lines.join(",\n")}
]
}
`;
}

/** Throws a DriftError for a file that is not exactly what was written. */
export async function openSnapshot(path: string): Promise<Snapshot> {
  return parse(path, await readSnapshotText(path));
}

/** Throws a DriftError also for a snapshot of something else. */
export async function readSnapshot(path: string, scope: Scope): Promise<Snapshot> {
  const snapshot = await openSnapshot(path);
  if (describe(snapshot.scope) === describe(scope)) return snapshot;
  throw new DriftError(
    `The snapshot ${path} is of ${describe(snapshot.scope)}, and the check is of ${describe(scope)}. Give the same --schemas, --owners and --no-grants, or write it anew with \`tenantry-drift snapshot\`.`,
  );
}

export async function readSnapshotText(path: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).replaceAll("\r\n", "\n");
  } catch (error) {
    throw new DriftError(
      codeOf(error) === "ENOENT"
        ? `There is no snapshot ${path}. Write it with \`tenantry-drift snapshot\`, or name it with --snapshot-file.`
        : `The snapshot ${path} cannot be read: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

function parse(path: string, text: string): Snapshot {
  const corrupt = (why: string, cause?: unknown) =>
    new DriftError(
      `The snapshot ${path} is corrupt: ${why}. Write it anew with \`tenantry-drift snapshot\`.`,
      { cause },
    );
  let read: Partial<Record<"version" | "fingerprint" | "scope" | "external" | "objects", unknown>>;
  try {
    read = JSON.parse(text);
  } catch (error) {
    throw corrupt(messageOf(error), error);
  }
  if (typeof read?.version === "number" && read.version !== VERSION)
    throw new DriftError(
      `The snapshot ${path} has the format version ${read.version}, and this check reads ${VERSION}. Write it anew with \`tenantry-drift snapshot\`.`,
    );
  const external = read?.external ?? [];
  if (!isTextList(external)) throw corrupt("it does not have the shape of one");
  if (!Array.isArray(read?.objects) || !read.objects.every(isObject) || !isScope(read.scope))
    throw corrupt("it does not have the shape of one");
  const objects = read.objects.map(({ kind, schema, name, parent, definition }) => ({
    ...{ kind, schema, name, parent, definition },
  }));
  if (fingerprintOf(objects) !== read.fingerprint)
    throw corrupt("its objects do not have its fingerprint; was it edited, or merged by hand?");
  const declaredIn = new Map(
    read.objects.flatMap((object) =>
      object.declaredIn === undefined ? [] : [[keyOf(object), object.declaredIn] as const],
    ),
  );
  // A file that was written before a text became canonical says the same as one that is written now.
  const canonicalObjects = objects.map((object) => ({
    ...object,
    definition: canonicalText(object.kind, object.definition),
  }));
  return { scope: read.scope, objects: canonicalObjects, declaredIn, external };
}

function isObject(value: unknown): value is CatalogObject & { declaredIn?: string } {
  if (typeof value !== "object" || value === null) return false;
  const { declaredIn = "", ...object }: Record<string, unknown> = { ...value };
  const { kind, schema, name, parent, definition } = object;
  return isTextList([kind, schema, name, parent, definition, declaredIn]);
}

function isScope(value: unknown): value is Scope {
  if (typeof value !== "object" || value === null) return false;
  const { schemas, owners, grants }: Record<string, unknown> = { ...value };
  return isTextList(schemas) && typeof owners === "boolean" && typeof grants === "boolean";
}

function describe({ schemas, owners, grants }: Scope): string {
  return JSON.stringify({ schemas: schemas.toSorted(), owners, grants });
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}
