/** bcrypt as other systems store it: bare and in the braces of Spring and LDAP, Django, passlib, WordPress. */
import { createHash, createHmac } from "node:crypto";
import { isWithin, type Range, type Verifier } from "./imported-parts.ts";

const COST: Range = [10, 13];

/** The last characters of salt and hash hold fewer than six bits; other spellings would never verify. */
const SALT = "[./A-Za-z0-9]{21}[.Oeu]";
const DIGEST = "[./A-Za-z0-9]{30}[.CGKOSWaeimquy26]";
const MODULAR = `\\$2[aby]\\$(1[0-4])\\$${SALT}${DIGEST}`;
/** Spring writes `{bcrypt}`, LDAP `{CRYPT}`, Dovecot `{BLF-CRYPT}`. */
const BARE = new RegExp(`^(?:bcrypt\\$|\\{(?:bcrypt|BCRYPT|CRYPT|BLF-CRYPT)\\})?(${MODULAR})$`);
const DJANGO_DIGESTED = new RegExp(`^bcrypt_sha256\\$(${MODULAR})$`);
/** WordPress since 6.8. */
const WORDPRESS = new RegExp(`^\\$wp(${MODULAR})$`);
const PASSLIB = new RegExp(
  `^\\$bcrypt-sha256\\$v=2,t=(2[ab]),r=(1[0-4])\\$(${SALT})\\$(${DIGEST})$`,
);

/** What bcrypt is given of the password, the hash that it has to make of it, and at which cost. */
type Stored = { hash: string; cost: number; prepare: (password: string) => string };

/**
 * bcrypt reads 72 bytes of a password, and so did the systems that made these hashes: a longer one was cut off at set,
 * and has to be cut off here to be known again. From the first log-in on all of it counts. Those of a digest read all.
 */
export function bcryptVerifier(text: string): Verifier | null {
  const stored = read(text);
  if (stored === null) return null;
  return async (password) => {
    // Where nobody has such a hash it takes no memory.
    const { verify } = await import("@node-rs/bcrypt");
    return verify(stored.prepare(password), stored.hash);
  };
}

/** Null for what is no bcrypt hash. One of cost 14 once was let in, and is verified where it is stored. */
export function isAcceptedBcrypt(text: string): boolean | null {
  const stored = read(text);
  return stored && isWithin(stored.cost, COST);
}

function read(text: string): Stored | null {
  return (
    modular(BARE.exec(text), (password) => password) ??
    modular(DJANGO_DIGESTED.exec(text), (password) =>
      createHash("sha256").update(password).digest("hex"),
    ) ??
    modular(WORDPRESS.exec(text), (password) =>
      createHmac("sha384", "wp-sha384").update(trimmed(password)).digest("base64"),
    ) ??
    readPasslib(text)
  );
}

function modular(
  match: RegExpExecArray | null,
  prepare: (password: string) => string,
): Stored | null {
  const [, hash, cost] = match ?? [];
  return hash === undefined ? null : { hash, cost: Number(cost), prepare };
}

/** The digest is keyed with the salt as it is written. */
function readPasslib(text: string): Stored | null {
  const [, version, cost, salt, digest] = PASSLIB.exec(text) ?? [];
  if (salt === undefined) return null;
  return {
    hash: `$${version}$${cost}$${salt}${digest}`,
    cost: Number(cost),
    prepare: (password) => createHmac("sha256", salt).update(password).digest("base64"),
  };
}

/** As PHP's trim has it, which WordPress calls. */
function trimmed(password: string): string {
  return password.replace(/^[ \t\n\r\0\v]+|[ \t\n\r\0\v]+$/g, "");
}
