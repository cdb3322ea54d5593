/** The file that PERMISSIONS_FILE names: { "permissions": [ { "key", "description", "heldFrom" }, … ] }. */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { toFieldErrors } from "../faults.ts";
import { DeclarePermissionInput } from "./permission-schemas.ts";
import { MOST_APPLICATION_PERMISSIONS } from "./permissions.ts";

const PermissionsFile = z.strictObject({
  permissions: z.array(DeclarePermissionInput).max(MOST_APPLICATION_PERMISSIONS),
});

/** @throws Error that names the file, and what is wrong where. */
export function readPermissionsFile(path: string): DeclarePermissionInput[] {
  const { data, error } = PermissionsFile.safeParse(parse(path, read(path)));
  if (error) {
    const faults = toFieldErrors(error.issues).slice(0, 5);
    const told = faults.map((fault) => [fault.path, fault.message].filter(Boolean).join(": "));
    throw new Error(`${path}: ${told.join("; ")}`);
  }
  const keys = data.permissions.map(({ key }) => key);
  const twice = keys.find((key, index) => keys.indexOf(key) !== index);
  if (twice !== undefined) throw new Error(`${path}: ${twice} is there twice`);
  return data.permissions;
}

/** What is wrong with it, in words; null when nothing is. */
export function faultOfPermissionsFile(path: string): string | null {
  try {
    readPermissionsFile(path);
    return null;
  } catch (err) {
    return err instanceof Error ? err.message : String(err);
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (err) {
    const code = err instanceof Error && "code" in err ? err.code : err;
    throw new Error(
      `${path}: ${code === "ENOENT" ? "there is no such file" : `cannot be read (${code})`}`,
    );
  }
}

/** Editors on Windows begin a file with a byte order mark (RFC 8259, section 8.1, lets a reader pass over it). */
function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (err) {
    throw new Error(`${path}: is no JSON (${err instanceof Error ? err.message : err})`);
  }
}
