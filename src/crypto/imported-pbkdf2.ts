/** PBKDF2 as other systems store it: PHC and passlib, Django, Werkzeug (Flask), Spring, ASP.NET Identity. */
import { pbkdf2 } from "node:crypto";
import {
  bytes,
  comparing,
  HASH_BYTES,
  isWithin,
  SALT_BYTES,
  textSalt,
  type Verifier,
} from "./imported-parts.ts";

type Stored = { digest: string; iterations: number; salt: Buffer | null; hash: Buffer | null };
type Digest = { bytes: number; most: number };

/**
 * Of each digest: how many bytes one run makes, and how many iterations are let in. SHA-512 takes some five times as long
 * as SHA-256, for which processors have instructions.
 */
const DIGESTS = new Map<string, Digest>([
  ["sha1", { bytes: 20, most: 1_500_000 }],
  ["sha256", { bytes: 32, most: 2_000_000 }],
  ["sha512", { bytes: 64, most: 500_000 }],
]);
/** What ASP.NET Core and Django made before 2014, and ten times what RFC 8018, section 4.2, asks for at least. */
const LEAST_ITERATIONS = 10_000;

/** The PHC form, and passlib's with a dot for the plus; without a digest it is passlib's SHA-1. */
const PHC =
  /^\$pbkdf2(?:-(sha1|sha256|sha512))?\$(?:i=)?([1-9]\d{3,6})(?:,l=(\d{2}))?\$([A-Za-z0-9+./]+)\$([A-Za-z0-9+./]+)$/;
/** Here the salt stands as it is, and the hash is padded. */
const DJANGO = /^pbkdf2_(sha1|sha256|sha512)\$([1-9]\d{3,6})\$([!-#%-~]+)\$([A-Za-z0-9+/]+={0,2})$/;
const WERKZEUG = /^pbkdf2:(sha1|sha256|sha512):([1-9]\d{3,6})\$([!-#%-~]+)\$((?:[0-9a-f]{2})+)$/;
/** Salt and hash as one, in hexadecimal: as Spring Security has made them since 5.8, and before. */
const SPRING = /^\{pbkdf2@SpringSecurity_v5_8\}([0-9a-f]{32})([0-9a-f]{64})$/;
const SPRING_5 = /^\{pbkdf2(?:@SpringSecurity_v5_5)?\}([0-9a-f]{16})([0-9a-f]{64})$/;
const ASP_NET = /^A[A-Za-z0-9+/]{65,190}={0,2}$/;
/** Of version 3: which digest a number means. */
const ASP_NET_DIGESTS = ["sha1", "sha256", "sha512"];
const ASP_NET_2_ITERATIONS = 1000;

export function pbkdf2Verifier(text: string): Verifier | null {
  const stored =
    readPhc(text) ??
    readDjango(text) ??
    readWerkzeug(text) ??
    readSpring(SPRING.exec(text), "sha256", 310_000) ??
    readSpring(SPRING_5.exec(text), "sha1", 185_000) ??
    readAspNet3(text);
  if (stored) return stored.iterations < LEAST_ITERATIONS ? null : verifier(stored);
  const old = readAspNet2(text);
  return old && verifier(old);
}

function verifier({ digest, iterations, salt, hash }: Stored): Verifier | null {
  const bounds = DIGESTS.get(digest);
  if (!bounds || !salt || !hash) return null;
  // Every run for so many bytes of the hash costs all of the iterations.
  if (iterations * Math.ceil(hash.length / bounds.bytes) > bounds.most) return null;
  return comparing(hash, (password, done) =>
    pbkdf2(password, salt, iterations, hash.length, digest, done),
  );
}

function readPhc(text: string): Stored | null {
  const [match, digest = "sha1", iterations, length, salt, hashText] = PHC.exec(text) ?? [];
  if (match === undefined) return null;
  const hash = bytes(hashText?.replaceAll(".", "+"), HASH_BYTES);
  if (length !== undefined && Number(length) !== hash?.length) return null;
  const saltBytes = bytes(salt?.replaceAll(".", "+"), SALT_BYTES);
  return { digest, iterations: Number(iterations), salt: saltBytes, hash };
}

function readDjango(text: string): Stored | null {
  const [, digest, iterations, salt, hash] = DJANGO.exec(text) ?? [];
  if (digest === undefined) return null;
  const iterationCount = Number(iterations);
  return {
    digest,
    iterations: iterationCount,
    salt: textSalt(salt),
    hash: bytes(hash, HASH_BYTES),
  };
}

function readWerkzeug(text: string): Stored | null {
  const [, digest, iterations, salt, hex = ""] = WERKZEUG.exec(text) ?? [];
  if (digest === undefined) return null;
  const hash = isWithin(hex.length / 2, HASH_BYTES) ? Buffer.from(hex, "hex") : null;
  return { digest, iterations: Number(iterations), salt: textSalt(salt), hash };
}

function readSpring(
  match: RegExpExecArray | null,
  digest: string,
  iterations: number,
): Stored | null {
  const [, salt, hash] = match ?? [];
  if (salt === undefined || hash === undefined) return null;
  return { digest, iterations, salt: Buffer.from(salt, "hex"), hash: Buffer.from(hash, "hex") };
}

/** 01, then as big-endian numbers of four bytes the digest, the iterations and the length of the salt; salt; hash. */
function readAspNet3(text: string): Stored | null {
  const all = ASP_NET.test(text) ? bytes(text, [13, 13 + 64 + 64]) : null;
  if (all?.[0] !== 1) return null;
  const end = 13 + all.readUInt32BE(9);
  const [salt, hash] = [all.subarray(13, end), all.subarray(end)];
  return {
    digest: ASP_NET_DIGESTS[all.readUInt32BE(1)] ?? "",
    iterations: all.readUInt32BE(5),
    salt: isWithin(salt.length, SALT_BYTES) ? salt : null,
    hash: isWithin(hash.length, HASH_BYTES) ? hash : null,
  };
}

/** 00, 16 bytes of salt, 32 of hash, and nothing to choose. It is below the floor, and all that many an old system has. */
function readAspNet2(text: string): Stored | null {
  const all = ASP_NET.test(text) ? bytes(text, [49, 49]) : null;
  if (all?.[0] !== 0) return null;
  const [salt, hash] = [all.subarray(1, 17), all.subarray(17)];
  return { digest: "sha1", iterations: ASP_NET_2_ITERATIONS, salt, hash };
}
