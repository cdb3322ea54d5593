/** Password hashes that other systems made: which are accepted, and how they are verified until the next log-in. */
import { pbkdf2, scrypt, timingSafeEqual } from "node:crypto";
import { verify as verifyBcrypt } from "@node-rs/bcrypt";

/**
 * Weaker ones are refused (OWASP's minimum), and so are costlier ones: at these bounds none takes more than some 0.4 s of
 * a core to verify (measured: argon2id 0.06 s, bcrypt 0.34 s, scrypt 0.38 s, PBKDF2 0.2 s).
 */
export const ACCEPTED_HASHES =
  "Must be one of these, none of which takes more than some 0.4 s of a core: bcrypt ($2a$, $2b$ or $2y$, cost 10 to 13); argon2id ($argon2id$v=19$m=…,t=…,p=…$salt$hash, m from 4096 to 65536, m × t up to 262144, p up to 16); scrypt ($scrypt$ln=…,r=…,p=1$salt$hash, ln from 17, r from 8, at most 256 MiB); PBKDF2-SHA256 with 600000 to 2000000 iterations ($pbkdf2-sha256$i=…$salt$hash, $pbkdf2-sha256$…$salt$hash or pbkdf2_sha256$…$salt$hash)";

type Verifier = (password: string) => Promise<boolean>;
type Range = readonly [min: number, max: number];

const SALT_BYTES: Range = [8, 64];
const HASH_BYTES: Range = [16, 64];
const BCRYPT_COST: Range = [10, 13];
const ARGON2_MEMORY_KIB: Range = [4096, 65_536];
const ARGON2_MOST_WORK_KIB = 262_144;
const ARGON2_LANES: Range = [1, 16];
const SCRYPT_LOG_N: Range = [17, 18];
const SCRYPT_LEAST_BLOCKS = 8;
const SCRYPT_MOST_BYTES = 256 * 1024 * 1024;
const LEAST_ITERATIONS = 600_000;
const MOST_ITERATIONS = 2_000_000;
const SHA256_BYTES = 32;

/** The last characters of salt and hash hold fewer than six bits; other spellings would never verify. */
const BCRYPT = /^\$2[aby]\$(1[0-4])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]$/;
const ARGON2ID =
  /^\$argon2id\$v=19\$m=([1-9]\d{3,5}),t=([1-9]\d{0,2}),p=([1-9]\d?)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;
const SCRYPT = /^\$scrypt\$ln=([1-9]\d),r=([1-9]\d?),p=1\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;
/** The PHC form, and passlib's with a dot for the plus. */
const PBKDF2 =
  /^\$pbkdf2-sha256\$(?:i=)?([1-9]\d{5,6})(?:,l=(\d{2}))?\$([A-Za-z0-9+./]+)\$([A-Za-z0-9+./]+)$/;
/** Django's: the salt stands as it is, the hash is padded. */
const DJANGO = /^pbkdf2_sha256\$([1-9]\d{5,6})\$([!-#%-~]+)\$([A-Za-z0-9+/]+)={0,2}$/;

/** True for a hash that may be imported. Nothing is computed. */
export function isAcceptedHash(text: string): boolean {
  const [, cost] = BCRYPT.exec(text) ?? [];
  if (cost !== undefined) return isWithin(Number(cost), BCRYPT_COST);
  return isAcceptedArgon2id(text) || verifierOf(text) !== null;
}

/**
 * Verifies passwords against a hash that is not argon2; null when the text is no such hash, or never was an accepted one:
 * bcrypt of cost 14 once was.
 */
export function verifierOf(text: string): Verifier | null {
  return bcryptVerifier(text) ?? scryptVerifier(text) ?? pbkdf2Verifier(text);
}

function isAcceptedArgon2id(text: string): boolean {
  const [, memory, passes, lanes, salt, hash] = ARGON2ID.exec(text) ?? [];
  return (
    isWithin(Number(memory), ARGON2_MEMORY_KIB) &&
    isWithin(Number(lanes), ARGON2_LANES) &&
    Number(memory) * Number(passes) <= ARGON2_MOST_WORK_KIB &&
    bytes(salt, SALT_BYTES) !== null &&
    bytes(hash, HASH_BYTES) !== null
  );
}

/**
 * bcrypt reads 72 bytes of a password, and so did the systems that made these hashes: a longer one was cut off at set,
 * and has to be cut off here to be known again. From the first log-in on all of it counts.
 */
function bcryptVerifier(text: string): Verifier | null {
  return BCRYPT.test(text) ? (password) => verifyBcrypt(password, text) : null;
}

function scryptVerifier(text: string): Verifier | null {
  const [, logN, blocks, saltText, hashText] = SCRYPT.exec(text) ?? [];
  const salt = bytes(saltText, SALT_BYTES);
  const hash = bytes(hashText, HASH_BYTES);
  if (!salt || !hash || !isWithin(Number(logN), SCRYPT_LOG_N)) return null;
  const r = Number(blocks);
  const N = 2 ** Number(logN);
  const memory = 128 * N * r;
  if (r < SCRYPT_LEAST_BLOCKS || memory > SCRYPT_MOST_BYTES) return null;
  // maxmem counts some small buffers too.
  const options = { N, r, p: 1, maxmem: 2 * memory };
  return comparing(hash, (password, done) => scrypt(password, salt, hash.length, options, done));
}

function pbkdf2Verifier(text: string): Verifier | null {
  const { iterations, salt, hash } = readPbkdf2(text) ?? readDjango(text) ?? {};
  if (!iterations || !salt || !hash) return null;
  // Every 32 bytes of the hash cost all of the iterations.
  const work = iterations * Math.ceil(hash.length / SHA256_BYTES);
  if (iterations < LEAST_ITERATIONS || work > MOST_ITERATIONS) return null;
  return comparing(hash, (password, done) =>
    pbkdf2(password, salt, iterations, hash.length, "sha256", done),
  );
}

function readPbkdf2(text: string) {
  const [match, iterations, length, salt, hashText] = PBKDF2.exec(text) ?? [];
  if (match === undefined) return null;
  const hash = bytes(hashText?.replaceAll(".", "+"), HASH_BYTES);
  if (length !== undefined && Number(length) !== hash?.length) return null;
  return {
    iterations: Number(iterations),
    salt: bytes(salt?.replaceAll(".", "+"), SALT_BYTES),
    hash,
  };
}

function readDjango(text: string) {
  const [match, iterations, salt = "", hash] = DJANGO.exec(text) ?? [];
  if (match === undefined) return null;
  return {
    iterations: Number(iterations),
    salt: isWithin(salt.length, SALT_BYTES) ? Buffer.from(salt) : null,
    hash: bytes(hash, HASH_BYTES),
  };
}

type Derive = (password: string, done: (err: Error | null, derived: Buffer) => void) => void;

function comparing(hash: Buffer, derive: Derive): Verifier {
  return async (password) => {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    derive(password, (err, derived) => (err ? reject(err) : resolve(derived)));
    return timingSafeEqual(await promise, hash);
  };
}

/** What unpadded base64 holds; null unless it has so many bytes, and is the only spelling of them. */
function bytes(text: string | undefined, range: Range): Buffer | null {
  if (text === undefined) return null;
  const decoded = Buffer.from(text, "base64");
  const isCanonical = decoded.toString("base64").replace(/=+$/, "") === text;
  return isCanonical && isWithin(decoded.length, range) ? decoded : null;
}

function isWithin(value: number, [min, max]: Range): boolean {
  return value >= min && value <= max;
}
