/** What the variables of the configuration may hold, each by itself. A message says what to write, never what stood there. */
import { isIP } from "node:net";
import { z } from "zod";
import { weaknessOf } from "../crypto/weak-key.ts";
import { faultOfCredentials } from "./credentials.ts";

/** In digits alone: 1e3, 0x10 and 10s are what somebody meant, and not what was read. */
export function integer(min: number, max: number, fallback: number) {
  return wholeNumber(min, max, fallback).default(fallback);
}

/** The same without a default. */
export function wholeNumber(min: number, max: number, example: number) {
  return z
    .string()
    .refine(
      (text) => /^(0|[1-9]\d{0,11})$/.test(text) && Number(text) >= min && Number(text) <= max,
      `must be a whole number from ${min} to ${max}, in digits alone, such as ${example}`,
    )
    .transform(Number);
}

export function oneOf<const Words extends readonly [string, ...string[]]>(...words: Words) {
  const [last, ...others] = words.toReversed();
  return z.enum(words, { error: `must be ${others.toReversed().join(", ")} or ${last}` });
}

/** A text of which `faultOf` says what is wrong with it, or null. */
function checked(faultOf: (text: string) => string | null) {
  return z.string().superRefine((text, { addIssue }) => {
    const fault = faultOf(text);
    if (fault) addIssue(fault);
  });
}

const MADE = "Make one: openssl rand -base64 32";

/** 32 bytes at least. Also for one that is on its way out, which may be as weak as it was: see rules.ts. */
export const AnySecretKey = z
  .base64({ error: `must be base64. ${MADE}` })
  .refine(
    (text) => Buffer.from(text, "base64").length >= 32,
    `must hold at least 32 bytes. ${MADE}`,
  );

export const SecretKey = AnySecretKey.pipe(
  checked((text) => {
    const weakness = weaknessOf(text);
    return weakness && `${weakness}, and so can be guessed. ${MADE}`;
  }),
);

/** Kept as it is: `iss` is compared byte by byte. RFC 8414, section 2: no query, no fragment. */
export const WebUrl = checked((text) =>
  /^https?:\/\/[^\s/?#@]+(\/[^\s?#]*)?$/.test(text) && URL.canParse(text)
    ? null
    : "must be an http(s) URL such as https://login.acme.example, with no user, query, fragment or white space",
);

const SOCKET_URL = "postgresql://user:password@localhost/tenantry?host=/run/postgresql";
const DATABASE_URL = "postgresql://user:password@host:5432/tenantry";

/** A socket of this machine has its folder in the parameter `host`. */
export const DatabaseUrl = checked(faultOfDatabaseUrl);

/** What is wrong with the URL of a database, in words that show nothing of it; null when nothing is. */
export function faultOfDatabaseUrl(text: string): string | null {
  const fault = faultOfCredentials(text);
  if (fault) return fault;
  if (/^postgres(ql)?:\/\/[^/@]*@\//.test(text))
    return `must name a host, or localhost and a socket: ${SOCKET_URL}`;
  if (!/^postgres(ql)?:\/\/\S+$/.test(text) || !URL.canParse(text))
    return `must be a postgresql:// URL: ${DATABASE_URL}`;
  const { hostname, pathname, searchParams } = new URL(text);
  if (hostname === "" && !searchParams.has("host")) return `must name a host: ${DATABASE_URL}`;
  return pathname.length > 1 ? null : `must name a database: ${DATABASE_URL}`;
}

export const SmtpUrl = checked((text) => {
  const fault = faultOfCredentials(text);
  if (fault) return fault;
  return /^smtps?:\/\/\S+$/.test(text) && URL.canParse(text) && new URL(text).hostname !== ""
    ? null
    : "must be an smtp:// or smtps:// URL with a host: smtps://user:password@smtp.acme.example";
});

/** What a client sends as it stands here (RFC 6750, section 2.1), and nobody guesses. */
export const BearerToken = z
  .string()
  .refine(
    (text) => /^[A-Za-z0-9._~+/-]{32,512}=*$/.test(text) && new Set(text).size >= 10,
    "must be 32 characters at least that nobody can guess, letters, digits and -._~+/ alone. Make one: openssl rand -hex 32",
  );

/** `name=value,name=value`, each value percent-encoded where it has to be (W3C Baggage, section 3.2). */
export const HeaderList = z.string().transform((text, { addIssue }) => {
  const entries = text.split(",").filter((entry) => entry.trim() !== "");
  const headers = entries.map(headerOf);
  const wrong = headers.indexOf(null);
  if (wrong !== -1)
    addIssue(`entry ${wrong + 1} must be a header, such as authorization=Bearer%20…`);
  return Object.fromEntries(headers.filter((header) => header !== null));
});

function headerOf(entry: string): [name: string, value: string] | null {
  const [, name = "", encoded = ""] =
    /^\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(.*?)\s*$/s.exec(entry) ?? [];
  try {
    const value = decodeURIComponent(encoded);
    return name !== "" && /^[\x20-\x7e]+$/.test(value) ? [name.toLowerCase(), value] : null;
  } catch {
    return null;
  }
}

/** From none to all. */
export const Share = z
  .string()
  .refine((text) => /^(0(\.\d{1,6})?|1(\.0{1,6})?)$/.test(text), "must be from 0 to 1, such as 0.1")
  .transform(Number);

export const StoreUrl = checked((text) => {
  const fault = faultOfCredentials(text);
  if (fault) return fault;
  return /^(rediss?|valkeys?):\/\/\S+$/.test(text) &&
    URL.canParse(text) &&
    new URL(text).hostname !== ""
    ? null
    : "must be a redis://, rediss://, valkey:// or valkeys:// URL with a host: rediss://user:password@valkey.acme.example:6379";
});

/** An address to listen on, or a name of this machine. */
export const Host = z
  .string()
  .max(253)
  .refine(
    (text) => isIP(text) !== 0 || (isHostName(text) && !/(^|\.)\d+$/.test(text)),
    "must be an address or a name of this machine alone, such as 0.0.0.0, :: or localhost; its port is PORT",
  );

export const RpId = z
  .string()
  .max(253)
  .refine((text) => isHostName(text) && !/(^|\.)\d+$/.test(text) && text === text.toLowerCase(), {
    error:
      "must be a domain in lower case, such as example.com: no address, no port and no https://",
  });

function isHostName(text: string): boolean {
  return /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/.test(text);
}

/** One mailbox (RFC 5322, section 3.4): more of them, or a second line, would be more headers than one. */
export const Mailbox = z
  .string()
  .max(320)
  .refine(
    isMailbox,
    'must be one address, such as Tenantry <hello@acme.example>; a name with a comma or another sign stands in quotes: "Acme, Inc." <hello@acme.example>',
  );

const ADDRESS = String.raw`[^\s\p{C}<>()[\]\\,;:"@]{1,64}@[^\s\p{C}<>()[\]\\,;:"@]+`;
const MAILBOX = new RegExp(
  String.raw`^(?:${ADDRESS}|(?:"[^"\\\p{C}]*"|[^<>()[\]\\,;:"@\p{C}]+)? ?<${ADDRESS}>)$`,
  "u",
);

function isMailbox(text: string): boolean {
  return MAILBOX.test(text);
}
