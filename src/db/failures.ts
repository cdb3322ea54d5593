/** Telling a database's complaints apart. */
import { Prisma } from "../../generated/prisma/client.ts";

/** SQLSTATE classes and system errors that say "not now": connections, resources, an administrator's shutdown. */
const UNAVAILABLE = /^(08|53|57P|25P03|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EPIPE|ENOTFOUND|EAI_AGAIN|P1001|P1002|P1008|P1017|P2024|P2037)/;
const UNAVAILABLE_MESSAGE = /timeout exceeded when trying to connect|Connection terminated|Query read timeout|statement timeout/i;

/** True when the database cannot be reached or cannot serve, so that trying again later makes sense. */
export function isUnavailable(err: unknown): boolean {
  if (!(err instanceof Error)) return false;
  const code = "code" in err && typeof err.code === "string" ? err.code : "";
  return UNAVAILABLE.test(code) || UNAVAILABLE_MESSAGE.test(err.message) || isUnavailable(err.cause);
}

/** True when a Prisma write broke the unique index or constraint `name`. */
export function violatesUnique(err: unknown, name: string): boolean {
  if (!(err instanceof Prisma.PrismaClientKnownRequestError) || err.code !== "P2002") return false;
  return JSON.stringify(err.meta ?? {}).includes(name);
}
