import { beforeAll, describe, expect, test } from "bun:test";
import { isAcceptedHash, verifierOf } from "../../src/crypto/imported-hash.ts";
import { createPasswords, isOurs, type Passwords } from "../../src/crypto/password.ts";
import { PASSWORD } from "../support/app.ts";
import {
  ARGON2_REFERENCE,
  ARGON2I_REFERENCE,
  BCRYPT_OF_72_X,
  BCRYPT_OF_NFC,
  BCRYPT_OF_NFD,
  BETTER_AUTH_OF_NFKC,
  FIREBASE,
  FIREBASE_OF_SUPABASE,
  FIRESCRYPT,
  KRATOS_FIRESCRYPT,
  KRATOS_SCRYPT,
  PASSLIB_REFERENCE,
  SPRING_PBKDF2,
  SPRING_SCRYPT,
  VECTORS,
  WORDPRESS_OF_PHP,
} from "./imported-hashes.ts";

let passwords: Passwords;
beforeAll(async () => {
  passwords = await createPasswords(1000);
});

for (const [name, hash] of Object.entries(VECTORS)) {
  test(`R10: ${name}: accepted, verified by the password alone, and not ours, so that the next log-in replaces it`, async () => {
    expect(isAcceptedHash(hash)).toBe(true);
    expect(hash.length).toBeLessThanOrEqual(255);
    expect(await passwords.verify(hash, PASSWORD)).toBe(true);
    expect(await passwords.verify(hash, `${PASSWORD}x`)).toBe(false);
    expect(await passwords.verify(hash, "")).toBe(false);
    expect(isOurs(hash)).toBe(false);
  });
}

test("R10: argon2id of another system: accepted and verified, and not ours though it is no weaker", async () => {
  expect(isAcceptedHash(ARGON2_REFERENCE)).toBe(true);
  expect(await passwords.verify(ARGON2_REFERENCE, "password")).toBe(true);
  expect(await passwords.verify(ARGON2_REFERENCE, "passwore")).toBe(false);
  expect(isOurs(ARGON2_REFERENCE)).toBe(false);
});

test.each([
  ["argon2i", ARGON2I_REFERENCE, "password"],
  ["argon2id, Django", `argon2${ARGON2_REFERENCE}`, "password"],
  ["argon2i, Django", `argon2${ARGON2I_REFERENCE}`, "password"],
  ["argon2id, Spring", `{argon2}${ARGON2_REFERENCE}`, "password"],
  ["argon2id, Spring 5.8", `{argon2@SpringSecurity_v5_8}${ARGON2_REFERENCE}`, "password"],
  ["argon2id, LDAP", `{ARGON2}${ARGON2_REFERENCE}`, "password"],
  ["bcrypt of passlib's digest", PASSLIB_REFERENCE, "password"],
  ["scrypt of Firebase", FIREBASE, "user1password"],
  ["scrypt of Firebase, as Ory Kratos writes it", FIRESCRYPT, "user1password"],
  ["scrypt of Firebase, padding left out", FIREBASE.replace("lw==$", "lw$"), "user1password"],
  ["scrypt of Firebase, another project", FIREBASE_OF_SUPABASE, "mytestpassword"],
  ["scrypt of Firebase, from Kratos's tests", KRATOS_FIRESCRYPT, "8x4WjoDbSxJZdR"],
  ["scrypt of Ory Kratos", KRATOS_SCRYPT, "test"],
  ["scrypt of Spring 5, from its manual", SPRING_SCRYPT, "password"],
  ["PBKDF2 of Spring 5, from its manual", SPRING_PBKDF2, "password"],
  ["bcrypt of WordPress, made by PHP", WORDPRESS_OF_PHP, "admin"],
  ["scrypt of Better Auth, which hashes NFKC", BETTER_AUTH_OF_NFKC, "\ufb01ne \u2163 horses"],
])(
  "R10: %s: the published hash is accepted, verified by its password alone, and not ours",
  async (_name, hash, password) => {
    expect(isAcceptedHash(hash)).toBe(true);
    expect(hash.length).toBeLessThanOrEqual(255);
    expect(await passwords.verify(hash, password)).toBe(true);
    expect(await passwords.verify(hash, `${password}x`)).toBe(false);
    expect(isOurs(hash)).toBe(false);
  },
);

test("our own hashes are accepted too, so that an export of one installation is an import of another", async () => {
  expect(isAcceptedHash(await passwords.hash(PASSWORD))).toBe(true);
});

test("R10: bcrypt knows 72 bytes, as it did where the hash was made", async () => {
  expect(await passwords.verify(BCRYPT_OF_72_X, "x".repeat(72))).toBe(true);
  expect(await passwords.verify(BCRYPT_OF_72_X, "x".repeat(100))).toBe(true);
  expect(await passwords.verify(BCRYPT_OF_72_X, "x".repeat(71))).toBe(false);
});

describe("R4: e and U+0301", () => {
  const nfc = "r\u00e9sum\u00e9 of a horse";
  const nfd = "re\u0301sume\u0301 of a horse";

  test("a hash of the text as it came is verified with that text, and one of NFC with either", async () => {
    expect(await passwords.verify(BCRYPT_OF_NFD, nfd)).toBe(true);
    expect(await passwords.verify(BCRYPT_OF_NFD, nfc)).toBe(false);
    expect(await passwords.verify(BCRYPT_OF_NFC, nfd)).toBe(true);
    expect(await passwords.verify(BCRYPT_OF_NFC, nfc)).toBe(true);
    expect(await passwords.verify(BCRYPT_OF_NFC, "resume of a horse")).toBe(false);
  });

  test("a hash of ours is of NFC, and nothing else verifies it", async () => {
    const hash = await passwords.hash(nfd);
    expect(await passwords.verify(hash, nfd)).toBe(true);
    expect(await passwords.verify(hash, nfc)).toBe(true);
    expect(await passwords.verify(hash, "resume of a horse")).toBe(false);
  });
});

/** Base64 of so many bytes, without padding. */
const b64 = (length: number) => Buffer.alloc(length, 7).toString("base64").replaceAll("=", "");
const argon2 = (parameters: string, salt = b64(16), hash = b64(32)) =>
  `$argon2id$v=19$${parameters}$${salt}$${hash}`;
const scrypt = (parameters: string, salt = b64(16), hash = b64(32)) =>
  `$scrypt$${parameters}$${salt}$${hash}`;
const pbkdf2 = (iterations: string, salt = b64(16), hash = b64(32), digest = "sha256") =>
  `$pbkdf2-${digest}$i=${iterations}$${salt}$${hash}`;
const bcrypt = VECTORS["bcrypt 2b"];
const firebase = (parameters: string, key = `${b64(64)}==`) =>
  `$fbscrypt$v=1,${parameters},ss=Bw==,sk=${key}$42xEC+ixf3L2lw==$${b64(64)}==`;
const aspNet = (digest: number, iterations: number, salt = 16, hash = 32) => {
  const head = Buffer.from([
    1,
    ...[digest, iterations, salt].flatMap((n) => [n >>> 24, n >>> 16, n >>> 8, n]),
  ]);
  return Buffer.concat([head, Buffer.alloc(salt + hash, 7)]).toString("base64");
};

test.each([
  argon2("m=131072,t=1,p=16"),
  bcrypt.replace("$10$", "$13$"),
  argon2("m=4096,t=1,p=1"),
  argon2("m=4096,t=64,p=16"),
  argon2("m=65536,t=4,p=1", b64(64), b64(64)),
  argon2("m=65536,t=3,p=4", b64(8), b64(16)),
  argon2("m=102400,t=2,p=8").replace("argon2id", "argon2i"),
  `argon2${argon2("m=102400,t=2,p=8")}`,
  scrypt("ln=14,r=8,p=1"),
  scrypt("ln=14,r=8,p=16"),
  scrypt("ln=17,r=8,p=2"),
  firebase("n=14,r=8,p=1"),
  firebase("n=18,r=8,p=1"),
  aspNet(0, 10_000),
  aspNet(2, 500_000, 16, 64),
  scrypt("ln=18,r=8,p=1"),
  scrypt("ln=17,r=16,p=1", b64(64), b64(64)),
  pbkdf2("2000000"),
  pbkdf2("1000000", b64(8), b64(64)),
  pbkdf2("10000"),
  pbkdf2("500000", b64(16), b64(64), "sha512"),
  pbkdf2("750000", b64(16), b64(32), "sha1"),
])("R10: accepted at the bounds, stored whole, and verifiable: %s", async (hash) => {
  expect(isAcceptedHash(hash)).toBe(true);
  expect(hash.length).toBeLessThanOrEqual(255);
  // What the library cannot read it throws at, which would be the fault of a log-in.
  expect(await passwords.verify(hash, "wrong")).toBe(false);
});

test.each([
  ["nothing", ""],
  ["a password", PASSWORD],
  ["bcrypt, too cheap", bcrypt.replace("$10$", "$09$")],
  ["bcrypt, too dear", bcrypt.replace("$10$", "$15$")],
  ["bcrypt, of the defect kind", bcrypt.replace("$2b$", "$2x$")],
  ["bcrypt, without a version", bcrypt.replace("$2b$", "$2$")],
  ["bcrypt, cut short", bcrypt.slice(0, -1)],
  ["bcrypt, too long", `${bcrypt}a`],
  ["bcrypt, with a line after it", `${bcrypt}\n`],
  ["bcrypt, in a spelling that never verifies", `${bcrypt.slice(0, -1)}X`],
  ["bcrypt, salt in a spelling that never verifies", bcrypt.replace("uuGG", "uvGG")],
  ["argon2d", argon2("m=65536,t=3,p=4").replace("argon2id", "argon2d")],
  ["argon2id, of the old version", argon2("m=65536,t=3,p=4").replace("v=19", "v=16")],
  ["argon2id, too little memory", argon2("m=4095,t=3,p=1")],
  ["argon2id, too much memory", argon2("m=131073,t=1,p=1")],
  ["argon2i, too little memory", argon2("m=1024,t=2,p=2").replace("argon2id", "argon2i")],
  ["argon2id, Django, too little memory", `argon2${argon2("m=1024,t=2,p=2")}`],
  ["argon2id, all the memory there is", argon2("m=4294967295,t=1,p=1")],
  ["argon2id, too much work", argon2("m=65536,t=5,p=1")],
  ["argon2id, too many passes", argon2("m=4096,t=999,p=1")],
  ["argon2id, too many lanes", argon2("m=65536,t=3,p=17")],
  ["argon2id, no lanes", argon2("m=65536,t=3,p=0")],
  ["argon2id, leading zeros", argon2("m=065536,t=3,p=1")],
  ["argon2id, a salt too short", argon2("m=65536,t=3,p=4", b64(7))],
  ["argon2id, a salt too long", argon2("m=65536,t=3,p=4", b64(65))],
  ["argon2id, a hash too short", argon2("m=65536,t=3,p=4", b64(16), b64(15))],
  ["argon2id, not base64 of anything", argon2("m=65536,t=3,p=4", "AAAAAAAAAAAAB")],
  ["argon2id, with a key", argon2("m=65536,t=3,p=4,keyid=AAAA")],
  ["scrypt, too cheap", scrypt("ln=13,r=8,p=1")],
  ["scrypt, too few blocks", scrypt("ln=14,r=7,p=1")],
  ["scrypt, too many lanes", scrypt("ln=17,r=8,p=3")],
  ["scrypt, too much memory", scrypt("ln=18,r=9,p=1")],
  ["scrypt, far too much memory", scrypt("ln=63,r=8,p=1")],
  ["scrypt, a hash too long", scrypt("ln=17,r=8,p=1", b64(16), b64(65))],
  ["scrypt, another one's spelling", scrypt("N=131072,r=8,p=1")],
  ["PBKDF2, too cheap", pbkdf2("9999")],
  ["PBKDF2-SHA512, too cheap", pbkdf2("9999", b64(16), b64(64), "sha512")],
  ["PBKDF2-SHA512, too dear", pbkdf2("500001", b64(16), b64(64), "sha512")],
  ["PBKDF2-SHA1, too dear for its length", pbkdf2("750001", b64(16), b64(32), "sha1")],
  ["PBKDF2, too dear", pbkdf2("2000001")],
  ["PBKDF2, too dear for its length", pbkdf2("1000001", b64(16), b64(33))],
  ["PBKDF2, far too dear", pbkdf2("999999999")],
  ["PBKDF2, another length than it says", pbkdf2("600000,l=64")],
  ["PBKDF2, with another hash", pbkdf2("600000").replace("sha256", "md5")],
  ["Django, too cheap", VECTORS["PBKDF2, Django"].replace("600000", "9999")],
  ["Django, a salt too short", VECTORS["PBKDF2, Django"].replace("aBcDeFgHiJkL", "aBcDeFg")],
  ["Django, no salt", VECTORS["PBKDF2, Django"].replace("aBcDeFgHiJkL", "")],
  ["Werkzeug, too cheap", VECTORS["PBKDF2-SHA256, Werkzeug"].replace("150000", "1000")],
  ["Werkzeug, of MD5", VECTORS["PBKDF2-SHA256, Werkzeug"].replace("sha256", "md5")],
  ["scrypt of Werkzeug, too cheap", VECTORS["scrypt of Werkzeug"].replace("32768", "8192")],
  ["scrypt of Werkzeug, no power of two", VECTORS["scrypt of Werkzeug"].replace("32768", "32769")],
  ["scrypt of Django, too cheap", VECTORS["scrypt of Django"].replace("16384", "8192")],
  ["scrypt of Better Auth, cut short", VECTORS["scrypt of Better Auth"].slice(0, -2)],
  ["scrypt of Firebase, too cheap", firebase("n=13,r=8,p=1")],
  ["scrypt of Firebase, too dear", firebase("n=19,r=8,p=1")],
  ["scrypt of Firebase, without its key", firebase("n=14,r=8,p=1", "")],
  ["scrypt of Firebase, of a key of another length", firebase("n=14,r=8,p=1", b64(32))],
  [
    "scrypt of Firebase, as it exports it",
    "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==",
  ],
  ["ASP.NET Identity 3, too cheap", aspNet(1, 9999)],
  ["ASP.NET Identity 3, too dear", aspNet(2, 500_001, 16, 64)],
  ["ASP.NET Identity 3, far too dear", aspNet(1, 0xffffffff)],
  ["ASP.NET Identity 3, of no digest", aspNet(3, 100_000)],
  ["ASP.NET Identity 3, a salt too short", aspNet(1, 100_000, 7)],
  [
    "ASP.NET Identity 3, a salt longer than all",
    `${aspNet(1, 100_000).slice(0, 15)}/${aspNet(1, 100_000).slice(16)}`,
  ],
  ["ASP.NET Identity 2, cut short", VECTORS["ASP.NET Identity 2"].slice(4)],
  ["WordPress's, of MD5", "$P$BnTnBq1M8Ei1Vn1xqRzM2o7g4vZ1ub."],
  ["WordPress's bcrypt, too cheap", VECTORS["bcrypt of WordPress"].replace("$10$", "$09$")],
  ["Spring's bcrypt, too cheap", VECTORS["bcrypt of Spring"].replace("$10$", "$04$")],
  ["Spring's scrypt, too dear", VECTORS["scrypt of Spring 5.8"].replace("$100801$", "$121001$")],
  ["Spring's scrypt, of no lane", VECTORS["scrypt of Spring 5.8"].replace("$100801$", "$100800$")],
  ["Spring's PBKDF2, cut short", VECTORS["PBKDF2 of Spring 5.8"].slice(0, -2)],
  ["passlib's digest, of its first version", PASSLIB_REFERENCE.replace("v=2,t=2b,r=12", "2b,12")],
  ["passlib's digest, too cheap", PASSLIB_REFERENCE.replace("r=12", "r=9")],
  ["Spring's password as it is", "{noop}correct horse battery staple"],
  ["LDAP's salted SHA-1", "{SSHA}DkMTwBl+a/3DQTxCYEApdUtNXGgdUac3"],
  ["LDAP's bcrypt in a brace that is none", VECTORS["bcrypt of Spring"].replace("{bcrypt}", "{x}")],
  ["Lucia 2, cut short", VECTORS["scrypt of Lucia 2"].slice(0, -2)],
  ["an unsalted digest", "5f4dcc3b5aa765d61d8327deb882cf99"],
])("R10: refused: %s", (_name, hash) => {
  expect(isAcceptedHash(hash)).toBe(false);
  expect(verifierOf(hash)).toBeNull();
});

test.each([bcrypt.replace("$10$", "$14$"), argon2("m=262144,t=4,p=1")])(
  "R72: what was let in before and is too dear now is refused, verified where it is stored, and not ours: %s",
  async (hash) => {
    expect(isAcceptedHash(hash)).toBe(false);
    expect(isOurs(hash)).toBe(false);
    expect(await passwords.verify(hash, "wrong")).toBe(false);
  },
);

test("R11: imported hashes are verified in the same bounded queue", async () => {
  const limited = await createPasswords(0);
  const verifying = Array.from({ length: 20 }, () => limited.verify(bcrypt, PASSWORD));
  const results = await Promise.allSettled(verifying);
  const refused = results.filter(({ status }) => status === "rejected");
  expect(refused.length).toBeGreaterThan(0);
  expect(refused[0]).toMatchObject({ reason: { code: "overloaded" } });
  expect(await limited.verify(bcrypt, PASSWORD)).toBe(true);
});

test.each(Object.entries(VECTORS))(
  "R10: %s with another character in the hash does not verify",
  async (_name, hash) => {
    const at = hash.length - 12;
    const changed = `${hash.slice(0, at)}${hash[at] === "a" ? "b" : "a"}${hash.slice(at + 1)}`;
    expect(isAcceptedHash(changed)).toBe(true);
    expect(await passwords.verify(changed, PASSWORD)).toBe(false);
  },
);
