/** Variables that stand in a file: NAME_FILE names it, as Docker and Kubernetes mount secrets. */
import { readFileSync } from "node:fs";

type Variables = Record<string, string | undefined>;
/** Of which variable, and what to do about it. */
export type FileFault = { name: string; variable: string; message: string };

/** A secret has some hundred characters; what is longer is another file. */
const MOST_BYTES = 64 * 1024;

/** The variable that names the file of this one. */
export function fileVariableOf(name: string): string {
  return `${name}_FILE`;
}

/**
 * The variables with those read that stand in files. The line ends at the end of a file, which editors and `echo` leave, are
 * no part of the value, nor is a byte order mark. Faults never show what stands in a file, and one that is empty is one: whoever mounts it means it.
 */
export function withFiles(
  env: Variables,
  names: readonly string[],
): { env: Variables; faults: FileFault[] } {
  const read: Variables = {};
  const faults: FileFault[] = [];
  for (const name of names) {
    const variable = fileVariableOf(name);
    const path = env[variable];
    // A name that is a variable of its own, such as PERMISSIONS_FILE, names no value's file.
    if (!path || names.includes(variable)) continue;
    const content = env[name]
      ? { fault: `stands beside ${name}: set one of the two` }
      : contentOf(path);
    if ("fault" in content) faults.push({ name, variable, message: content.fault });
    else read[name] = content.text;
  }
  return { env: { ...env, ...read }, faults };
}

function contentOf(path: string): { text: string } | { fault: string } {
  try {
    const bytes = readFileSync(path);
    if (bytes.length > MOST_BYTES)
      return { fault: `names a file of more than ${MOST_BYTES} bytes: that is no value` };
    const text = textOf(bytes)?.replace(/[\r\n]+$/, "");
    if (text === undefined) return { fault: "names a file that is no text in UTF-8" };
    return text === "" ? { fault: "names a file that is empty" } : { text };
  } catch (err) {
    return { fault: `names a file that cannot be read (${codeOf(err)})` };
  }
}

/** Without the byte order mark that editors of Windows put before it; undefined for another encoding, such as UTF-16. */
function textOf(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function codeOf(err: unknown): string {
  return err instanceof Error && "code" in err ? String(err.code) : "unknown";
}
