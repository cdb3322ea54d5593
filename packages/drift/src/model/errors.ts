import { fewOf } from "./words.ts";

/** The check could not be made. The message is for the person who runs it: what happened, where, what to do. */
export class DriftError extends Error {
  override name = "DriftError";
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** SQLSTATE of a server's error, or the code of a system's. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** What the server says besides, such as what depends on an object: its first lines. Null where it says nothing. */
export function detailOf(error: unknown): string | null {
  if (!(error instanceof Error) || !("detail" in error) || typeof error.detail !== "string")
    return null;
  return fewOf(error.detail.replace(/\.$/, "").split("\n"));
}

/** What a program says last. An error that nobody foresaw is for whoever mends the check: it keeps its stack. */
export function explanationOf(error: unknown): string {
  const isForeseen = error instanceof DriftError || !(error instanceof Error);
  return `error: ${isForeseen ? messageOf(error) : error.stack}\n`;
}
