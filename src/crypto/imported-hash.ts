/** Password hashes that other systems made: which are accepted, and how they are verified until the next log-in. */
import { verify as verifyArgon2 } from "@node-rs/argon2";
import { bcryptVerifier, isAcceptedBcrypt } from "./imported-bcrypt.ts";
import {
  bytes,
  HASH_BYTES,
  isWithin,
  type Range,
  SALT_BYTES,
  type Verifier,
} from "./imported-parts.ts";
import { pbkdf2Verifier } from "./imported-pbkdf2.ts";
import { scryptVerifier } from "./imported-scrypt.ts";

/**
 * Weaker ones are refused, and so are costlier ones: at these bounds none takes more than some 0.4 s of a core to verify
 * (measured: argon2id 0.06 s, bcrypt 0.34 s, scrypt 0.38 s, PBKDF2 0.2 s). The floor is lower than what OWASP asks for
 * new hashes: it is what systems of today have, and stays for one log-in. Refused, it would be a mail to everybody, or
 * the old system kept running.
 */
export const ACCEPTED_HASHES =
  "Must be one of these, none of them weaker than is said, and none of which takes more than some 0.4 s of a core: bcrypt ($2a$, $2b$ or $2y$, cost 10 to 13; Django's bcrypt and bcrypt_sha256, WordPress's $wp$2y$ and passlib's $bcrypt-sha256$ too, and in the braces of Spring or LDAP; Spring's pbkdf2 and scrypt); argon2id or argon2i ($argon2id$v=19$m=…,t=…,p=…$salt$hash, m from 4096 to 131072, m × t up to 262144, p up to 16; Django's argon2$… too); scrypt ($scrypt$ln=…,r=…,p=…$salt$hash, ln from 14, r from 8, at most 256 MiB in all; Ory's with the cost itself as ln; Better Auth's and Lucia's salt:key; Django's scrypt$… and Werkzeug's scrypt:…; Firebase's as $fbscrypt$v=1,n=14,r=8,p=1,ss=…,sk=…$salt$hash with the project's salt separator and signer key, or as Ory's $firescrypt$…); PBKDF2-SHA256 with 10000 to 2000000 iterations, PBKDF2-SHA1 with up to 1500000, PBKDF2-SHA512 with up to 500000 ($pbkdf2-sha256$i=…$salt$hash, Django's pbkdf2_sha256$…, Werkzeug's pbkdf2:sha256:…); ASP.NET Identity's of version 2 and 3";

/** The most is the default of Ory Kratos. */
const ARGON2_MEMORY_KIB: Range = [4096, 131_072];
const ARGON2_MOST_WORK_KIB = 262_144;
const ARGON2_LANES: Range = [1, 16];

/** Not argon2d: where it reads in memory depends on the password, and no system is known that stores it (RFC 9106, 4). */
const ARGON2 =
  /^(argon2|\{(?:argon2(?:@SpringSecurity_v5_[28])?|ARGON2(?:ID|I)?)\})?(\$argon2id?\$v=19\$m=([1-9]\d{3,5}),t=([1-9]\d{0,2}),p=([1-9]\d?)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+))$/;

/** True for a hash that may be imported. Nothing is computed. */
export function isAcceptedHash(text: string): boolean {
  return (
    isAcceptedBcrypt(text) ??
    (isAcceptedArgon2(text) || (!ARGON2.test(text) && verifierOf(text) !== null))
  );
}

/**
 * Verifies passwords against a hash that is not argon2's own text; null when the text is no such hash, or never was an
 * accepted one: bcrypt of cost 14 once was.
 */
export function verifierOf(text: string): Verifier | null {
  return (
    bcryptVerifier(text) ??
    prefixedArgon2Verifier(text) ??
    scryptVerifier(text) ??
    pbkdf2Verifier(text)
  );
}

function isAcceptedArgon2(text: string): boolean {
  const [, , , memory, passes, lanes, salt, hash] = ARGON2.exec(text) ?? [];
  return (
    isWithin(Number(memory), ARGON2_MEMORY_KIB) &&
    isWithin(Number(lanes), ARGON2_LANES) &&
    Number(memory) * Number(passes) <= ARGON2_MOST_WORK_KIB &&
    bytes(salt, SALT_BYTES) !== null &&
    bytes(hash, HASH_BYTES) !== null
  );
}

function prefixedArgon2Verifier(text: string): Verifier | null {
  const [, prefix, hash] = ARGON2.exec(text) ?? [];
  if (prefix === undefined || hash === undefined || !isAcceptedArgon2(text)) return null;
  return (password) => verifyArgon2(hash, password);
}
