import { ApiError } from "../errors.ts";

/** The versions of a row that a caller will change; "any" when it need only be there; undefined: whatever it is. */
export type Expected = readonly string[] | "any" | undefined;

/**
 * Keeps a change from undoing another one that its author never saw. Call it under the lock of the row, so that of
 * callers who saw the same version one gets through. @throws ApiError `precondition_failed`.
 */
export function assertExpected(expected: Expected, version: string | number): void {
  if (expected === undefined || expected === "any" || expected.includes(String(version))) return;
  throw new ApiError("precondition_failed");
}
