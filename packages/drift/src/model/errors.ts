/** The check could not be made. The message is for the person who runs it: what happened, where, what to do. */
export class DriftError extends Error {
  override name = "DriftError";
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
