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
  // python3: hashlib.pbkdf2_hmac and hashlib.scrypt, with the salt bytes(range(16)) or the text that is seen, put together
  // as the other system does: ASP.NET's with struct.pack(">III", digest, iterations, 16) in front of salt and hash, Better
  // Auth's (N 2^14, r 16) of the salt's hexadecimal text, Django's bcrypt_sha256 of the digest's hexadecimal text.
  "PBKDF2-SHA512, PHC":
    "$pbkdf2-sha512$i=210000$AAECAwQFBgcICQoLDA0ODw$tfP6dFnMFLm84erFFC/hWDzb6fAjAPCAs0RvJLiu5xYHfelPBTAEADgLVRgJzZ8bKvvUpW2nUExEbADbiezuPg",
  "PBKDF2-SHA512, passlib":
    "$pbkdf2-sha512$25000$AAECAwQFBgcICQoLDA0ODw$SD45rjg2efG3ODIHQeklcrq1rgpKrbMw16UwshxvBWLgNENeDWMvNiO.Lj6BUMRx4V/sPJndUTpKWVbG79Akig",
  "PBKDF2-SHA1, PHC": "$pbkdf2-sha1$i=20000$AAECAwQFBgcICQoLDA0ODw$mDBWhAY1XkkOEOxzcRFoSuJ6yR0",
  "PBKDF2-SHA1, passlib": "$pbkdf2$131000$AAECAwQFBgcICQoLDA0ODw$NxAwx22dqUmlCPsB1ivyDvbzOTI",
  "PBKDF2-SHA256 at the floor":
    "$pbkdf2-sha256$i=10000$AAECAwQFBgcICQoLDA0ODw$2flfZcLfnShdJogjAMpb4p4+1QBVZmODXExi4nBRUCI",
  "PBKDF2-SHA256, Django 3.2":
    "pbkdf2_sha256$260000$aBcDeFgHiJkL$tSMiJ9slNQIMJfok9iQ4BVEY5bc0OVxy6R0Hq1nNwKA=",
  "PBKDF2-SHA1, Django": "pbkdf2_sha1$260000$aBcDeFgHiJkL$gyVqKUzLppiTQwCO/HGXG27zw74=",
  "PBKDF2-SHA256, Werkzeug":
    "pbkdf2:sha256:150000$aBcDeFgH$de401ec367edb01b731380348d920a96814acc1f26a34bcf1aaf2aa70b585332",
  "ASP.NET Identity 2": "AAABAgMEBQYHCAkKCwwNDg8A6b+Q5v/5gBndnBKiBiA27187WD3zrXpRRPbHcnNx7A==",
  "ASP.NET Identity 3 of SHA-256":
    "AQAAAAEAACcQAAAAEAABAgMEBQYHCAkKCwwNDg/Z+V9lwt+dKF0miCMAylvinj7VAFVmY4NcTGLicFFQIg==",
  "ASP.NET Identity 3 of SHA-512":
    "AQAAAAIAAYagAAAAEAABAgMEBQYHCAkKCwwNDg+HNphercic/uMU10oVOJcFooxzoeSLoVHx/CnyVEI1LA==",
  "scrypt of passlib":
    "$scrypt$ln=16,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$1a0ZQtnx0oHhn48xj8fOQ5+iE1AgsBClgPgQyKBBRRw",
  "scrypt of five lanes":
    "$scrypt$ln=14,r=8,p=5$AAECAwQFBgcICQoLDA0ODw$D7lSJtJDGLLVcrxL7dWjkoRxbs+pMvcVYIJ+gbuyltk",
  "scrypt of Better Auth":
    "000102030405060708090a0b0c0d0e0f:7034425e783148ac6ce2c4521177f6fc8ba611950b64145053bf3c4fbf26457865bbf1ea8164754187636d431114bca7374e96cf91409d23fbc0b086580d2442",
  "scrypt of Django":
    "scrypt$16384$aBcDeFgHiJkL$8$1$3VQXfC76lu4eNBO7DLEEEk8/W8J27sgm+9JDRr0p2vF4CT90zDISj9Fzin3cE6zUDb1zX4Dc3ZHCEYFmJnZWlQ==",
  "scrypt of Werkzeug":
    "scrypt:32768:8:1$aBcDeFgHiJkLmNoP$435a59230a3d33afb13104e2e421d951e0c0a51b6cc83da86f20ca659990e448eee26aee154df750187cf35543195c68ee0d8c94e95a3c7a18eca5df06b23d1b",
  "bcrypt_sha256 of Django":
    "bcrypt_sha256$$2b$10$abcdefghijklmnopqrstuuK5Ik0sQKRERVqVfP1zJVdl8tZU.VuN.",
  "bcrypt of Django": "bcrypt$$2b$10$abcdefghijklmnopqrstuuGGgFFcYeueaAql8Z7U7CnCTRw4DR77W",
  // perl -e 'print crypt(…)', which is libxcrypt's, of what python3's hmac makes of the password: keyed with "wp-sha384", and
  // with the salt; base64.
  "bcrypt of WordPress": "$wp$2y$10$abcdefghijklmnopqrstuup5lr9X5y2ivXNqX3saHIQSKQF0rdIHq",
  "bcrypt of passlib's digest":
    "$bcrypt-sha256$v=2,t=2b,r=12$abcdefghijklmnopqrstuu$9kJ.N.GSaa2cSK2zdXjv5wrW.IcJB2O",
  "bcrypt of Spring": "{bcrypt}$2a$10$abcdefghijklmnopqrstuuGGgFFcYeueaAql8Z7U7CnCTRw4DR77W",
  "bcrypt of OpenLDAP": "{CRYPT}$2y$10$abcdefghijklmnopqrstuuGGgFFcYeueaAql8Z7U7CnCTRw4DR77W",
  "bcrypt of Dovecot": "{BLF-CRYPT}$2y$10$abcdefghijklmnopqrstuuGGgFFcYeueaAql8Z7U7CnCTRw4DR77W",
  // python3: hashlib.pbkdf2_hmac and hashlib.scrypt with Spring's parameters, and the salts bytes(range(16)), (8) and (64).
  "PBKDF2 of Spring 5.8":
    "{pbkdf2@SpringSecurity_v5_8}000102030405060708090a0b0c0d0e0f7b8ad24392905caa0cc9ebb5b45a445371cca3ab69958986ede276f3458f73fa",
  "PBKDF2 of Spring 5":
    "{pbkdf2}0001020304050607ba3cc1ee20153cf68cf4fbbc84706c51c9be80a9f09a53fee72fafb5d3db35e5",
  "scrypt of Spring 5.8":
    "{scrypt@SpringSecurity_v5_8}$100801$AAECAwQFBgcICQoLDA0ODw==$1a0ZQtnx0oHhn48xj8fOQ5+iE1AgsBClgPgQyKBBRRw=",
  "scrypt of Spring 5":
    "{scrypt}$e0801$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==$oKVnRMtLyQwkoJkveiiGjSnQx5Bpjg/4OMnCtGejQEI=",
  // python3: hashlib.scrypt(password, salt=b"a1b2c3d4e5f6g7h8", n=2**14, r=16, p=1, dklen=64).
  "scrypt of Lucia 2":
    "s2:a1b2c3d4e5f6g7h8:b9ebf8ae08a7dc9134966abb43347f037d3ed75d64c2167ef3056a7e2425b8d118140ab7e751036a5349f046af78190f7b11bb0d7209286bf207cdb7b2414205",
} as const;

/** Published by passlib, of "password". */
export const PASSLIB_REFERENCE =
  "$bcrypt-sha256$v=2,t=2b,r=12$n79VH.0Q2TMWmt3Oqt9uku$Kq4Noyk3094Y2QlB8NdRT8SvGiI4ft2";

/** From test.c of the reference implementation of argon2: of "password", with the salt "somesalt". */
export const ARGON2_REFERENCE =
  "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

/** python3: crypt.crypt(password, "$2b$10$abcdefghijklmnopqrstuu"), of 72 times x. */
export const BCRYPT_OF_72_X = "$2b$10$abcdefghijklmnopqrstuuhBb/0dYbuuS1CS8hp30IXhlFBW2VAWG";

/** The same of "résumé of a horse": in NFD, as a system stores it that does not normalise, and in NFC. */
export const BCRYPT_OF_NFD = "$2b$10$abcdefghijklmnopqrstuuUgr6xeEwSpel5XKJfl9qWzOhpzvGs8O";
export const BCRYPT_OF_NFC = "$2b$10$abcdefghijklmnopqrstuuUzmVqwM3Ht.VHOttiAoSwAA0eqZKHr.";

/** From test.c of the reference implementation of argon2, as above. */
export const ARGON2I_REFERENCE =
  "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA";

/** Published by Firebase (its scrypt repository), of "user1password": as Supabase writes them, with signer key and separator. */
export const FIREBASE =
  "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==";
/** The same as Ory Kratos writes it. */
export const FIRESCRYPT =
  "$firescrypt$ln=14,r=8,p=1$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==$Bw==$jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==";
/** The one that Supabase's own tests have, of "mytestpassword". */
export const FIREBASE_OF_SUPABASE =
  "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=ou9tdYTGyYm8kuR6Dt0Bp0kDuAYoXrK16mbZO4yGwAn3oLspjnN0/c41v8xZnO1n14J3MjKj1b2g6AUCAlFwMw==$C0sHCg9ek77hsg==$zKVTMvnWVw5BBOZNUdnsalx4c4c7y/w7IS5p6Ut2+CfEFFlz37J9huyQfov4iizN8dbjvEJlM5tQaJP84+hfTw==";
/** python3: hashlib.scrypt, as Better Auth makes it, of "ﬁne Ⅳ horses" in NFKC. */
export const BETTER_AUTH_OF_NFKC =
  "000102030405060708090a0b0c0d0e0f:54365c5b8687bac83f2d2d930f39fccaa5cb7f126024a0e0f3e1bde921800e0133e17876939a9131bf355526a4842961bd0183d4d785b7b657d5ec8202dd72d7";

/** From Spring Security's reference manual (Password Storage), of "password". */
export const SPRING_SCRYPT =
  "{scrypt}$e0801$8bWJaSu2IKSn9Z9kM+TPXfOc/9bdYSrN1oD9qfVThWEwdRTnO7re7Ei+fUZRJ68k9lTyuTeUp4of4g24hHnazw==$OAOec05+bXxvuu/1qZ6NUR+xQYvYv7BeL1QxwRpY5Pc=";
export const SPRING_PBKDF2 =
  "{pbkdf2}5d923b44a6d129f3ddf3e3c8d29412723dcbde72445e8ef6bf3b508fbf17fa4ed4d6b99ca763d8dc";

/** From the tests of Ory Kratos, of "8x4WjoDbSxJZdR" and of "test". */
export const KRATOS_FIRESCRYPT =
  "$firescrypt$ln=14,r=8,p=1$sPtDhWcd1MfdAw==$xbSou7FOl6mChCyzpCPIQ7tku7nsQMTFtyOZSXXd7tjBa4NtimOx7v42Gv2SfzPQu1oxM2/k4SsbOu73wlKe1A==$Bw==$YE0dO4bwD4JnJafh6lZZfkp1MtKzuKAXQcDCJNJNyeCHairWHKENOkbh3dzwaCdizzOspwr/FITUVlnOAwPKyw==";
export const KRATOS_SCRYPT =
  "$scrypt$ln=16384,r=8,p=1$2npRo7P03Mt8keSoMbyD/tKFWyUzjiQf2svUaNDSrhA=$MiCzNcIplSMqSBrm4HckjYqYhaVPPjTARTzwB1cVNYE=";

/** Made by PHP as WordPress does, of "admin": public, in the set-up of somebody's demonstration. */
export const WORDPRESS_OF_PHP = "$wp$2y$10$Q1xinFjrZeLWJBvxviIL6u834Fu.evIEFHAUVisQ5O.w9Dm0sMdES";
