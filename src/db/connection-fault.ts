/** Why there is no connection to a database, in words for its operator: which host, and what failed; never a password. */
import { NOT_OPEN } from "./failures.ts";

export type ConnectionFault = {
  /** Begins in lower case, unless it is what the server says. */
  words: string;
  /** Whether it may be over in a moment, with nobody doing anything here. */
  passes: boolean;
};

type Target = { host: string; user: string; database: string };

/** By the code of the system, of Node or of PostgreSQL. All of these may pass. */
const NO_ANSWER = new Map<string, (target: Target) => string>([
  ["ENOTFOUND", ({ host }) => `no machine has the name ${nameOf(host)}`],
  ["EAI_AGAIN", ({ host }) => `the name ${nameOf(host)} cannot be looked up at the moment`],
  ["ECONNREFUSED", () => "nothing listens there"],
  ["ENOENT", () => "there is no such socket"],
  ["EHOSTUNREACH", () => "no way leads there"],
  ["ENETUNREACH", () => "no way leads there"],
  ["ETIMEDOUT", () => "nothing came back in time: perhaps a firewall drops it"],
  ["ECONNRESET", () => "it ended the connection"],
  ["EPIPE", () => "it ended the connection"],
  ["57P01", () => "it is shutting down"],
  ["57P02", () => "it has crashed and restarts"],
  ["57P03", () => "it is starting up or shutting down"],
  ["53300", () => "it has no connection free"],
]);
const SILENT = /timeout expired|timeout exceeded|connection timeout|Query read timeout/i;
const ENDED = /Connection terminated|socket.*closed/i;
/** Of OpenSSL, as Node has them. */
const UNTRUSTED = /CERT|SIGNATURE|UNABLE_TO_VERIFY|SELF_SIGNED/;

export function connectionFault(thrown: unknown, databaseUrl: string): ConnectionFault {
  const target = targetOf(databaseUrl);
  const { code, message, syscall, path } = firstOf(thrown);
  if (syscall === "open")
    return never(`the file ${path} that the URL of the database names cannot be read (${code}).`);
  const said = code ? ` (${code})` : "";
  const { host, user, database } = target;
  const why = NO_ANSWER.get(code)?.(target) ?? whyOf(message);
  if (why)
    return { words: `the database at ${host} does not answer: ${why}${said}.`, passes: true };
  if (code === "28P01")
    return never(
      `Authentication failed: the database at ${host} refuses the password of the user ${user}${said}.`,
    );
  if (code === "28000")
    return never(
      `the database at ${host} lets the user ${user} not in${said}: pg_hba.conf has no rule for it, or asks for TLS (sslmode=require).`,
    );
  if (code === "3D000")
    return never(
      `at ${host} the database ${database} does not exist${said}. Make it: createdb, or bunx prisma migrate deploy`,
    );
  if (/does not support SSL/i.test(message))
    return never(`the database at ${host} speaks no TLS, and sslmode asks for it.`);
  if (UNTRUSTED.test(code))
    return never(
      `the certificate of the database at ${host} is not to be trusted${said}: name its authority by sslrootcert=…, and the host as the certificate does.`,
    );
  return never(`the database at ${host} refuses the connection${said}: ${message}`);
}

function never(words: string): ConnectionFault {
  return { words, passes: false };
}

function whyOf(message: string): string | null {
  if (SILENT.test(message)) return "nothing came back in time: perhaps a firewall drops it";
  if (ENDED.test(message)) return "it ended the connection";
  return NOT_OPEN.test(message) ? "it takes no connections at the moment" : null;
}

type First = { code: string; message: string; syscall?: string; path?: string };

/** Of several addresses of a host the first one tells; a library's own error has the driver's within. */
function firstOf(thrown: unknown): First {
  const { code, message = "", errors, cause, originalCode, syscall, path } = Object(thrown);
  const [inner = cause] = Array.isArray(errors) ? errors : [];
  const own = [originalCode, code].find((each) => typeof each === "string" && !/^P\d/.test(each));
  if (own === undefined && inner !== undefined && inner !== thrown) return firstOf(inner);
  return {
    code: own ?? "",
    syscall,
    path,
    message: String(message).trim().split("\n").at(-1) ?? "",
  };
}

function targetOf(databaseUrl: string): Target {
  const url = new URL(databaseUrl);
  return {
    host: url.searchParams.get("host") ?? url.host,
    user: decodeURIComponent(url.searchParams.get("user") ?? url.username),
    database: decodeURIComponent(url.pathname.slice(1)),
  };
}

function nameOf(host: string): string {
  return host.replace(/:\d+$/, "");
}
