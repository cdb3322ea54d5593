/** scrypt as other systems store it: PHC and passlib, Better Auth, Lucia, Django, Werkzeug (Flask), Spring, Firebase. */
import { createCipheriv, scrypt } from "node:crypto";
import {
  bytes,
  comparing,
  HASH_BYTES,
  isWithin,
  type Range,
  SALT_BYTES,
  textSalt,
  type Verifier,
} from "./imported-parts.ts";

type Cost = { N: number; r: number; p: number };
type Stored = Cost & { salt: Buffer | null; hash: Buffer | null };

/** Below it is no known system's default: node's, Better Auth's, Firebase's and Django's are 2^14. */
const N_BOUNDS: Range = [2 ** 14, 2 ** 18];
const LEAST_BLOCKS = 8;
/** Bytes that are gone through, one lane after the other. */
const MOST_WORK = 256 * 1024 * 1024;

/** Ory Kratos pads salt and hash, and its `ln` is the cost itself, and not the logarithm of it. */
const PHC =
  /^\$scrypt\$ln=([1-9]\d|[1-9]\d{4,5}),r=([1-9]\d?),p=([1-9]\d?)\$([A-Za-z0-9+/]+={0,2})\$([A-Za-z0-9+/]+={0,2})$/;
const BETTER_AUTH = /^([0-9a-f]{32}):([0-9a-f]{128})$/;
/** Of version 2; from version 3 on it is as Better Auth's, which has taken it over. */
const LUCIA = /^s2:([0-9a-z]{16}):([0-9a-f]{128})$/;
const DJANGO =
  /^scrypt\$([1-9]\d{4,5})\$([!-#%-~]+)\$([1-9]\d?)\$([1-9]\d?)\$([A-Za-z0-9+/]+={0,2})$/;
const WERKZEUG = /^scrypt:([1-9]\d{4,5}):([1-9]\d?):([1-9]\d?)\$([!-#%-~]+)\$((?:[0-9a-f]{2})+)$/;
/** Cost, block size and lanes are one number, a byte each. */
const SPRING =
  /^\{scrypt(?:@SpringSecurity_v5_[58])?\}\$(e|f|1[0-2])(0[1-9a-f]|1[0-9a-f])(0[1-9a-f])\$([A-Za-z0-9+/]+={0,2})\$([A-Za-z0-9+/]+={0,2})$/;
/** As Supabase writes it: Firebase itself exports hash and salt by user, and the rest once for a project. */
const FIREBASE =
  /^\$fbscrypt\$v=1,n=(\d{2}),r=([1-9]\d?),p=1,(?:ss=([A-Za-z0-9+/]*={0,2}),)?sk=([A-Za-z0-9+/]+={0,2})\$([A-Za-z0-9+/]+={0,2})\$([A-Za-z0-9+/]+={0,2})$/;
/** The same in Ory Kratos's spelling. */
const FIRESCRYPT =
  /^\$firescrypt\$ln=(\d{2}),r=([1-9]\d?),p=1\$([A-Za-z0-9+/]+={0,2})\$([A-Za-z0-9+/]+={0,2})\$([A-Za-z0-9+/]*={0,2})\$([A-Za-z0-9+/]+={0,2})$/;
const SEPARATOR_BYTES: Range = [0, 16];
const FIREBASE_KEY_BYTES = 32;

export function scryptVerifier(text: string): Verifier | null {
  const stored = readPhc(text) ?? readDjango(text) ?? readWerkzeug(text) ?? readSpring(text);
  return stored ? verifier(stored) : (betterAuthVerifier(text) ?? firebaseVerifier(text));
}

function verifier({ salt, hash, ...cost }: Stored): Verifier | null {
  const options = bounded(cost);
  if (!options || !salt || !hash) return null;
  return comparing(hash, (password, done) => scrypt(password, salt, hash.length, options, done));
}

function bounded({ N, r, p }: Cost): (Cost & { maxmem: number }) | null {
  const isPower = Number.isInteger(Math.log2(N));
  if (!isPower || !isWithin(N, N_BOUNDS) || r < LEAST_BLOCKS || 128 * N * r * p > MOST_WORK)
    return null;
  // It counts some small buffers too.
  return { N, r, p, maxmem: 2 * 128 * N * r + 256 * r * p };
}

function readPhc(text: string): Stored | null {
  const [match, ln = "", r, p, salt, hash] = PHC.exec(text) ?? [];
  if (match === undefined) return null;
  const cost = { N: ln.length > 2 ? Number(ln) : 2 ** Number(ln), r: Number(r), p: Number(p) };
  return { ...cost, salt: bytes(salt, SALT_BYTES), hash: bytes(hash, HASH_BYTES) };
}

function readDjango(text: string): Stored | null {
  const [match, N, salt, r, p, hash] = DJANGO.exec(text) ?? [];
  if (match === undefined) return null;
  const cost = { N: Number(N), r: Number(r), p: Number(p) };
  return { ...cost, salt: textSalt(salt), hash: bytes(hash, HASH_BYTES) };
}

function readWerkzeug(text: string): Stored | null {
  const [match, N, r, p, salt, hex = ""] = WERKZEUG.exec(text) ?? [];
  if (match === undefined) return null;
  const hash = isWithin(hex.length / 2, HASH_BYTES) ? Buffer.from(hex, "hex") : null;
  return { N: Number(N), r: Number(r), p: Number(p), salt: textSalt(salt), hash };
}

function readSpring(text: string): Stored | null {
  const [match, logN = "", r = "", p = "", salt, hash] = SPRING.exec(text) ?? [];
  if (match === undefined) return null;
  const cost = { N: 2 ** Number.parseInt(logN, 16), r: Number.parseInt(r, 16) };
  const [saltBytes, hashBytes] = [bytes(salt, SALT_BYTES), bytes(hash, HASH_BYTES)];
  return { ...cost, p: Number.parseInt(p, 16), salt: saltBytes, hash: hashBytes };
}

/** The salt is hashed as the text that it is stored as, and the password in NFKC. */
function betterAuthVerifier(text: string): Verifier | null {
  const [, salt = null, hash = ""] = BETTER_AUTH.exec(text) ?? LUCIA.exec(text) ?? [];
  if (salt === null) return null;
  const stored = {
    salt: Buffer.from(salt),
    hash: Buffer.from(hash, "hex"),
    N: 2 ** 14,
    r: 16,
    p: 1,
  };
  const verify = verifier(stored);
  return verify && ((password) => verify(password.normalize("NFKC")));
}

/**
 * What scrypt makes of the password is a key, and the stored hash the project's signer key, encrypted with it
 * (AES-256-CTR, from a counter of zero). The salt's end is the project's separator.
 */
function firebaseVerifier(text: string): Verifier | null {
  const [logN, r, separatorText, signerText, saltText, hashText] = readFirebase(text);
  if (logN === undefined) return null;
  const salt = bytes(saltText, SALT_BYTES);
  const separator = bytes(separatorText ?? "", SEPARATOR_BYTES);
  const signerKey = bytes(signerText, HASH_BYTES);
  const hash = bytes(hashText, HASH_BYTES);
  const options = bounded({ N: 2 ** Number(logN), r: Number(r), p: 1 });
  if (!salt || !separator || !signerKey || !options || hash?.length !== signerKey.length)
    return null;
  const wholeSalt = Buffer.concat([salt, separator]);
  return comparing(hash, (password, done) =>
    scrypt(password, wholeSalt, FIREBASE_KEY_BYTES, options, (err, key) => {
      if (err) return done(err, key);
      done(null, createCipheriv("aes-256-ctr", key, Buffer.alloc(16)).update(signerKey));
    }),
  );
}

/** Cost, block size, separator, signer key, salt and hash, as both spellings have them. */
function readFirebase(text: string): (string | undefined)[] {
  const [, ...parts] = FIREBASE.exec(text) ?? [];
  if (parts.length > 0) return parts;
  const [, logN, r, salt, hash, separator, signerKey] = FIRESCRYPT.exec(text) ?? [];
  return [logN, r, separator, signerKey, salt, hash];
}
