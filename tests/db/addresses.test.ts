/** What an address looks like: one rule, in src/fields.ts and in the CHECKs of the database. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import pg from "pg";
import { ADDRESS, Address, Email } from "../../src/fields.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";

const CHECKS = {
  users_email_format_check: "email",
  users_pending_email_format_check: "pending_email",
  invitations_email_check: "email",
};

let database: TestDatabase;
let client: pg.Client;
/** What each CHECK asks, as PostgreSQL has it. */
let conditions: Record<string, string>;
beforeAll(async () => {
  database = await createDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const { rows } = await client.query<{ name: string; condition: string }>(
    "SELECT conname AS name, pg_get_expr(conbin, conrelid) AS condition FROM pg_constraint WHERE conname = ANY ($1)",
    [Object.keys(CHECKS)],
  );
  conditions = Object.fromEntries(rows.map(({ name, condition }) => [name, condition]));
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

/** For each text whether the CHECK takes it, and its normal form. */
async function verdicts(name: keyof typeof CHECKS, texts: string[]) {
  const { rows } = await client.query<{ taken: boolean; lower: string }>(
    `SELECT ${conditions[name]} AS taken, lower(${CHECKS[name]}) AS lower
     FROM unnest($1::text[]) WITH ORDINALITY AS given (${CHECKS[name]}, at) ORDER BY at`,
    [texts],
  );
  return rows;
}

const edges = fc.constantFrom(
  ...["a", "Z", "7", "_", "'", "+", "-", ".", "..", ".-", "-.", "@", " ", "\n", "\t", "\u00a0"],
  ...["é", "ß", "ı", "İ", "\u212a", "😀", "\\", '"', ",", "(", "%", "!", "xn--", "\u200b"],
  ...["&", "/", "=", "?", "^", "`", "{", "|", "}", "~", "#", "$", "*", "[", "]", ":", "。", "＠"],
);
const run = (unit: fc.Arbitrary<string>, maxLength: number) =>
  fc.string({ unit, minLength: 0, maxLength });
const good = fc.constantFrom(
  "a",
  "B",
  "3",
  "_",
  "'",
  "+",
  "-",
  ".",
  "&",
  "/",
  "=",
  "{",
  "|",
  "$",
  "?",
);
const label = fc.constantFrom(
  "a",
  "x-y",
  "9",
  "b-",
  "-b",
  "",
  "xn--a",
  "A.B",
  "bücher",
  "xn--p1ai",
);
const text = fc.oneof(
  run(edges, 12),
  fc.tuple(run(edges, 4), run(edges, 6)).map(([local, rest]) => `${local}@${rest}.example`),
  fc
    .tuple(
      run(good, 6),
      fc.array(label, { maxLength: 3 }),
      fc.constantFrom("co", "c", "c1", "É.fr", "рф", "XN--P1AI", "xn--p1a-"),
    )
    .map(([local, labels, top]) => `${local}@${[...labels, top].join(".")}`),
  // Around the two lengths.
  fc
    .tuple(fc.integer({ min: 62, max: 66 }), fc.integer({ min: 180, max: 192 }))
    .map(([local, host]) => `${"a".repeat(local)}@${"b".repeat(host)}.co`),
);

/** What the server alone refuses: no DNS has such a label, but rows of before may. */
const NO_LABEL = /@.*(?:-(?:\.|$)|[^.@]{64}|xn--)/i;

test("TypeScript and PostgreSQL take the same addresses, and make the same of them", async () => {
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(text, { minLength: 200, maxLength: 300 }), async (given) => {
      const ours = given.map((each) => Address.safeParse(each));
      const normal = ours.flatMap(({ data }) => (data === undefined ? [] : [data]));
      taken += normal.length;
      for (const name of Object.keys(CHECKS) as (keyof typeof CHECKS)[]) {
        // What the server writes is taken as it is, and again by the server: the form is normal.
        for (const [at, { taken, lower }] of (await verdicts(name, normal)).entries())
          expect([taken, lower, Address.parse(normal[at])]).toEqual([
            true,
            normal[at],
            normal[at],
          ] as never);
        // And of what others write no more is taken than the pattern lets through.
        const theirs = await verdicts(name, given);
        for (const [at, each] of given.entries()) {
          const isForm = ADDRESS.test(each) && each.length <= 254 && each.indexOf("@") <= 64;
          const isLower = name !== "invitations_email_check" || each === each.toLowerCase();
          expect([each, theirs[at]?.taken]).toEqual([each, isForm && isLower]);
          if (theirs[at]?.taken && !NO_LABEL.test(each))
            expect([each, String(ours[at]?.data)]).toEqual([each, each.toLowerCase()]);
        }
      }
    }),
    { numRuns: 60 },
  );
  expect(taken).toBeGreaterThan(500);
});

test("what people type and paste is taken, in one form", () => {
  const forms: Record<string, string> = {
    "u@bücher.example": "u@xn--bcher-kva.example",
    "u@BÜCHER.example": "u@xn--bcher-kva.example",
    "u@bu\u0308cher.example": "u@xn--bcher-kva.example",
    "U@XN--bcher-kva.Example": "u@xn--bcher-kva.example",
    "u@почта.рф": "u@xn--80a1acny.xn--p1ai",
    "u@例え。テスト": "u@xn--r8jz45g.xn--zckzah",
    // UTS #46, nontransitional: another domain than strasse.example.
    "u@straße.example": "u@xn--strae-oqa.example",
    " u@example.com ": "u@example.com",
    "u@example.com\u00a0": "u@example.com",
    "\ufeffu@example.com\u200b": "u@example.com",
    "\u202au@example.com\u202c": "u@example.com",
    "a&b/c=d@example.com": "a&b/c=d@example.com",
    "!#$%&'*+/=?^_`{|}~-@example.com": "!#$%&'*+/=?^_`{|}~-@example.com",
    "o'@example.com": "o'@example.com",
    "u@r3---sn.example.com": "u@r3---sn.example.com",
    [`${"a".repeat(64)}@${"b".repeat(63)}.com`]: `${"a".repeat(64)}@${"b".repeat(63)}.com`,
  };
  for (const [given, stored] of Object.entries(forms))
    expect([given, Email.safeParse(given).data]).toEqual([given, stored]);
});

test("what no mail reaches is refused, with one fault", () => {
  const refused = [
    ...["u", "u@", "@example.com", "u@example", "u@example.c", "u@1.2.3.4", "u@[1.2.3.4]"],
    ...["u@example-.com", "u@-example.com", "u@example.com-", "u@ex_ample.com", "u@example.com."],
    ...[`u@${"b".repeat(64)}.com`, `u@${"ü".repeat(64)}.com`, "u@xn--.com", "u@xn--a.com"],
    ...["a b@example.com", '"a b"@example.com', "a@b@example.com", "ü@example.com", "a..b@c.com"],
    ...[
      "u@exam\u202eple.com",
      "u@exam ple.com",
      "u@a\u200db.com",
      "u@\u3164.com",
      "a\u200bb@c.com",
    ],
    ...["a@b.com,c@d.com", "<a@b.com>", "a@b.com\r\nBcc: c@d.com", "a@b.com;c", "u@אa.com"],
    ...[
      `${"a".repeat(65)}@example.com`,
      "a".repeat(300),
      `u@${"b.".repeat(130)}com`,
      "a".repeat(600),
    ],
  ];
  for (const given of refused)
    expect([given, Email.safeParse(given).error?.issues.length]).toEqual([given, 1]);
  expect(Email.safeParse("a".repeat(100)).error?.issues[0]?.message).not.toContain("64");
});

test("the pattern of the SQL files is that of src/fields.ts, to the letter", () => {
  const files = ["030_users.sql", "084_invitations.sql"].map((file) =>
    readFileSync(join(import.meta.dir, "..", "..", "migrations-sql", file), "utf8"),
  );
  const pattern = `~ '${ADDRESS.source.replaceAll("'", "''")}')`;
  expect(files.map((sql) => sql.split(pattern).length - 1)).toEqual([2, 1]);
});

test("ASCII in the full width of an East Asian keyboard is ASCII; a look-alike of it is none", () => {
  expect(Address.parse("Ａda＋x＠ｂ。example")).toBe("ada+x@b.example");
  expect(Address.parse("ada＠b．example")).toBe("ada@b.example");
  for (const other of [
    "ａda\u3000x＠b.example",
    "\u212aelvin@b.example",
    "ada﹫b.example",
    "ａ＠＠b.example",
  ])
    expect([other, Address.safeParse(other).success]).toEqual([other, false]);
});
