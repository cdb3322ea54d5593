/** What an address looks like: one rule, in src/fields.ts and in the CHECKs of the database. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import pg from "pg";
import { ADDRESS, Address } from "../../src/fields.ts";
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
);
const run = (unit: fc.Arbitrary<string>, maxLength: number) =>
  fc.string({ unit, minLength: 0, maxLength });
const good = fc.constantFrom("a", "B", "3", "_", "'", "+", "-", ".");
const label = fc.constantFrom("a", "x-y", "9", "b-", "-b", "", "xn--a", "A.B");
const text = fc.oneof(
  run(edges, 12),
  fc.tuple(run(edges, 4), run(edges, 6)).map(([local, rest]) => `${local}@${rest}.example`),
  fc
    .tuple(
      run(good, 6),
      fc.array(label, { maxLength: 3 }),
      fc.constantFrom("co", "c", "c1", "É.fr"),
    )
    .map(([local, labels, top]) => `${local}@${[...labels, top].join(".")}`),
  // Around the two lengths.
  fc
    .tuple(fc.integer({ min: 62, max: 66 }), fc.integer({ min: 180, max: 192 }))
    .map(([local, host]) => `${"a".repeat(local)}@${"b".repeat(host)}.co`),
);

test("TypeScript and PostgreSQL take the same addresses, and make the same of them", async () => {
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(text, { minLength: 200, maxLength: 300 }), async (texts) => {
      const ours = texts.map((each) => Address.safeParse(each));
      taken += ours.filter(({ success }) => success).length;
      for (const name of [
        "users_email_format_check",
        "users_pending_email_format_check",
      ] as const) {
        const theirs = await verdicts(name, texts);
        for (const [at, each] of texts.entries()) {
          const { success, data } = ours[at] ?? {};
          expect([each, theirs[at]?.taken]).toEqual([each, success]);
          if (success) expect(theirs[at]?.lower).toBe(String(data));
        }
      }
      // This one asks for the normal form as well.
      const theirs = await verdicts("invitations_email_check", texts);
      for (const [at, each] of texts.entries())
        expect([each, theirs[at]?.taken]).toEqual([each, ours[at]?.data === each]);
    }),
    { numRuns: 30 },
  );
  expect(taken).toBeGreaterThan(500);
}, 60_000);

test("the pattern of the SQL files is that of src/fields.ts, to the letter", () => {
  const files = ["030_users.sql", "084_invitations.sql"].map((file) =>
    readFileSync(join(import.meta.dir, "..", "..", "migrations-sql", file), "utf8"),
  );
  const pattern = `~ '${ADDRESS.source.replaceAll("'", "''")}')`;
  expect(files.map((sql) => sql.split(pattern).length - 1)).toEqual([2, 1]);
});
