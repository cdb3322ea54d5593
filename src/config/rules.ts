/** What the variables of the configuration may not say together, and what the server itself must have. */
import { isIP } from "node:net";
import { weaknessOf } from "../crypto/weak-key.ts";
import type { Environment } from "./environment.ts";
import { isAndroidApp } from "./origins.ts";

/** Which variable, and what to do about it. */
export type Fault = readonly [name: keyof Environment, message: string];
/** What is wrong by itself is left out. */
export type Values = Partial<Environment>;

/** Of a start of the server. The tools of an operator need no issuer, and may hold a key that is on its way out. */
export function faultsOfServer(values: Values): Fault[] {
  return [
    ...keys(values),
    ...times(values),
    ...workers(values),
    ...proxies(values),
    ...metrics(values),
    ...store(values),
    ...passkeys(values),
    ...production(values),
  ];
}

function* keys({ SECRET_KEY, SECRET_KEY_PREVIOUS }: Values): Generator<Fault> {
  if (SECRET_KEY_PREVIOUS === undefined) return;
  const weakness = weaknessOf(SECRET_KEY_PREVIOUS);
  if (weakness)
    yield [
      "SECRET_KEY_PREVIOUS",
      `${weakness}, and so can be guessed. Stop every instance, run "bun run keys reencrypt" with it, and leave it out`,
    ];
  const [now, before] = [SECRET_KEY, SECRET_KEY_PREVIOUS].map((key) => key?.replace(/=+$/, ""));
  if (now === before)
    yield ["SECRET_KEY_PREVIOUS", "is SECRET_KEY again. Leave it out, or set the one before"];
}

/** The first may not be more than the second. */
const ORDER = [
  ["SESSION_IDLE_SECONDS", "SESSION_MAX_SECONDS"],
  ["ACCESS_TOKEN_TTL_SECONDS", "SESSION_IDLE_SECONDS"],
  ["STEP_UP_SECONDS", "SESSION_MAX_SECONDS"],
  ["PASSWORD_MIN_LENGTH_WITH_MFA", "PASSWORD_MIN_LENGTH"],
  ["LOCKOUT_ATTEMPTS", "LOCKOUT_MOST_ATTEMPTS"],
  ["LOCKOUT_SECONDS", "LOCKOUT_LONGEST_SECONDS"],
  ["WORKERS", "DATABASE_POOL_SIZE"],
] as const;

function* times(values: Values): Generator<Fault> {
  for (const [less, more] of ORDER)
    if ((values[less] ?? 0) > (values[more] ?? Infinity))
      yield [less, `may not be more than ${more}`];
}

/** What one process keeps to itself the others do not know. */
function* workers({ WORKERS = 1, RATE_LIMITS, NODE_ENV, SMTP_URL }: Values): Generator<Fault> {
  if (WORKERS === 1) return;
  if (RATE_LIMITS === "memory")
    yield ["RATE_LIMITS", "memory counts in each process by itself: database, or WORKERS=1"];
  if (NODE_ENV === "development" && !SMTP_URL)
    yield ["WORKERS", "more than 1 needs SMTP_URL: /dev/mail shows the mails of one process"];
}

function* proxies({ TRUSTED_PROXIES = [], TRUSTED_PROXY_HOPS = 0 }: Values): Generator<Fault> {
  if (TRUSTED_PROXIES.length > 0 && TRUSTED_PROXY_HOPS === 0)
    yield ["TRUSTED_PROXIES", "needs TRUSTED_PROXY_HOPS: 0 believes no proxy"];
}

/** Each process counts for itself, and is asked on a port of its own: METRICS_PORT and those after it. */
function* metrics(values: Values): Generator<Fault> {
  const { METRICS_PORT: first, METRICS_TOKEN, PORT = 3000, WORKERS = 1 } = values;
  if (WORKERS > 1 && METRICS_TOKEN !== undefined && first === undefined)
    yield [
      "METRICS_TOKEN",
      "with more than one of WORKERS needs METRICS_PORT: on PORT, who answers is one of them by chance",
    ];
  if (first === undefined || first === 0) return;
  const last = first + WORKERS - 1;
  if (last > 65_535) yield ["METRICS_PORT", "leaves no port for each of WORKERS"];
  if (PORT >= first && PORT <= last)
    yield ["METRICS_PORT", "and those after it, one for each of WORKERS, may not be PORT"];
}

/** The database counts while the store is away. */
function* store({ RATE_LIMITS, RATE_LIMIT_STORE_URL }: Values): Generator<Fault> {
  if (RATE_LIMIT_STORE_URL !== undefined && RATE_LIMITS !== undefined && RATE_LIMITS !== "database")
    yield [
      "RATE_LIMIT_STORE_URL",
      "needs RATE_LIMITS=database, which counts while the store is away",
    ];
}

/** Browsers have passkeys on https and on localhost, and for names alone (Web Authentication Level 3, section 5.1.3). */
function* passkeys({ PASSKEY_ORIGINS = [] }: Values): Generator<Fault> {
  const useless = PASSKEY_ORIGINS.findIndex((origin) => {
    if (isAndroidApp(origin)) return false;
    const { protocol, hostname } = new URL(origin);
    return isAddress(hostname) || (protocol === "http:" && !isLocalhost(hostname));
  });
  if (useless !== -1)
    yield [
      "PASSKEY_ORIGINS",
      `entry ${useless + 1} has no passkeys in any browser: it must be https:// and a name, or http://localhost`,
    ];
}

function* production(values: Values): Generator<Fault> {
  if (values.NODE_ENV !== "production") return;
  if (values.EMAIL_VERIFICATION === "required" && !values.SMTP_URL)
    yield ["EMAIL_VERIFICATION", "required needs SMTP_URL, or nobody can register"];
  for (const name of ["ISSUER", "APP_URL"] as const) {
    const message = publicFault(values, name);
    if (message) yield [name, message];
  }
}

const ON_TRIAL = "To try it on this machine: TRIAL=on";

/** Tokens and links in mails say where we are: a wrong place that nobody noticed is in all of them. */
function publicFault(values: Values, name: "ISSUER" | "APP_URL"): string | null {
  const isTrial = values.TRIAL === "on";
  if (!(name in values)) return null;
  const url = values[name];
  if (url === undefined)
    return isTrial
      ? null
      : `is required in production: where people reach it, such as https://login.acme.example. ${ON_TRIAL}`;
  const { protocol, hostname } = new URL(url);
  const isHere = isLocalhost(hostname) || isLoopback(hostname);
  if (isHere && isTrial) return null;
  if (isHere)
    return `is this machine alone, and in production people come from elsewhere. ${ON_TRIAL}`;
  return protocol === "https:"
    ? null
    : "must be https:// in production: tokens and links are secrets";
}

function isLocalhost(hostname: string): boolean {
  return /^(.+\.)?localhost(\.localdomain)?\.?$/.test(hostname);
}

/** And the address of no machine at all, which means this one. */
function isLoopback(hostname: string): boolean {
  return /^(127\.|0\.0\.0\.0$|\[::1?\]$|\[::ffff:7f)/.test(hostname);
}

function isAddress(hostname: string): boolean {
  return isIP(hostname.replace(/^\[|\]$/g, "")) !== 0;
}
