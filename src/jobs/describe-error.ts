/**
 * Class and last line of the message: Prisma prints the arguments of the call above it, and those are personal data.
 * pg-boss copies an error into a plain object before it tells of it.
 */
export function describeError(thrown: unknown): string {
  const { name = "Error", message } = Object(thrown) as Partial<Error>;
  if (typeof message !== "string") return `thrown: ${typeof thrown}`;
  return `${name}: ${message.trim().split("\n").at(-1)?.slice(0, 300)}`;
}
