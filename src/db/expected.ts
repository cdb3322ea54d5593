import { ApiError } from "../errors.ts";

/** Versions of a row; "any" is whichever it has. */
type Versions = readonly string[] | "any";
/** Which version a caller will change, and which not; without either, whatever it is. */
export type Expected = { only?: Versions; not?: Versions };

/**
 * Keeps a change from undoing another one that its author never saw. Call it under the lock of the row, so that of
 * callers who saw the same version one gets through. @throws ApiError `precondition_failed`.
 */
export function assertExpected(
  { only = "any", not = [] }: Expected,
  version: string | number,
): void {
  if (!isOneOf(only, version)) throw new ApiError("precondition_failed");
  if (isOneOf(not, version))
    throw new ApiError(
      "precondition_failed",
      "It is what If-None-Match names: only something else was to be changed.",
    );
}

function isOneOf(versions: Versions, version: string | number): boolean {
  return versions === "any" || versions.includes(String(version));
}
