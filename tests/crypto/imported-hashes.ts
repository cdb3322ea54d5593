/** Hashes of `PASSWORD` as other systems store them. None was made by the code that is tested. */
import { PASSWORD } from "../support/app.ts";

if (PASSWORD !== "correct horse battery staple") throw new Error("the vectors are of that one");

export const VECTORS = {
  // python3: crypt.crypt(password, "$2b$10$abcdefghijklmnopqrstuu"), which is libxcrypt's bcrypt.
  "bcrypt 2a": "$2a$10$abcdefghijklmnopqrstuuGGgFFcYeueaAql8Z7U7CnCTRw4DR77W",
  "bcrypt 2b": "$2b$10$abcdefghijklmnopqrstuuGGgFFcYeueaAql8Z7U7CnCTRw4DR77W",
  "bcrypt 2y": "$2y$10$abcdefghijklmnopqrstuuGGgFFcYeueaAql8Z7U7CnCTRw4DR77W",
  // python3: hashlib.scrypt(password, salt=bytes(range(16)), n=2**17, r=8, p=1, dklen=32), which is OpenSSL's.
  scrypt:
    "$scrypt$ln=17,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$GylG2nH0EXnoO5ncM4QtFXQbh8QSHIx/N4HB34ZPtYs",
  // python3: hashlib.pbkdf2_hmac("sha256", password, salt, 600000), with the salt bytes(range(16)).
  "PBKDF2, PHC":
    "$pbkdf2-sha256$i=600000$AAECAwQFBgcICQoLDA0ODw$7xdxRO7JQgy8EJPSqLNEqSvFBtDU7JwCjdGfgyTYweY",
  "PBKDF2, PHC with a length of 64":
    "$pbkdf2-sha256$i=600000,l=64$AAECAwQFBgcICQoLDA0ODw$7xdxRO7JQgy8EJPSqLNEqSvFBtDU7JwCjdGfgyTYweYN/cGw+kdw2DUfchgEAepyfQLf0dN+dTNh6EJfME0ykw",
  // The same with a salt of bytes fb ef be, in passlib's spelling: a dot for the plus.
  "PBKDF2, passlib":
    "$pbkdf2-sha256$600000$....................AQ$PNX4FfR0CQZ6qpJeoFa/0Cmljd/YCOd9LYOfQ7IRVPk",
  // The same with the salt b"aBcDeFgHiJkL", in Django's spelling.
  "PBKDF2, Django":
    "pbkdf2_sha256$600000$aBcDeFgHiJkL$UApdr41TESqaVKM9VvxZzCw9f+ZrLgpsBgau2Dow0d0=",
} as const;

/** From test.c of the reference implementation of argon2: of "password", with the salt "somesalt". */
export const ARGON2_REFERENCE =
  "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

/** python3: crypt.crypt(password, "$2b$10$abcdefghijklmnopqrstuu"), of 72 times x. */
export const BCRYPT_OF_72_X = "$2b$10$abcdefghijklmnopqrstuuhBb/0dYbuuS1CS8hp30IXhlFBW2VAWG";

/** The same of "résumé of a horse": in NFD, as a system stores it that does not normalise, and in NFC. */
export const BCRYPT_OF_NFD = "$2b$10$abcdefghijklmnopqrstuuUgr6xeEwSpel5XKJfl9qWzOhpzvGs8O";
export const BCRYPT_OF_NFC = "$2b$10$abcdefghijklmnopqrstuuUzmVqwM3Ht.VHOttiAoSwAA0eqZKHr.";
