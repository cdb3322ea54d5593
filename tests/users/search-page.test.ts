/** A search by the function that knows the index, beside the same search by Prisma: the same people, order and cursors. */
import { beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { literal } from "../../src/db/contains.ts";
import { newId } from "../../src/db/id.ts";
import { type Account, createSuperAdmin, registerOwner, testApp } from "../support/app.ts";
import { insertPeople } from "./people.ts";

const app = testApp();
let owner: Account & { tenantId: string };
let small: Account & { tenantId: string };
let admin: Account;

/** More than the function sorts, so that each of its ways is taken. */
const PEOPLE = 1300;
const FIRST = ["Anna", "Bernd", "Zoë", "O'Neill", "Per%cent", "Under_score", "Back\\slash", "Li"];

beforeAll(async () => {
  [owner, small] = [await registerOwner(app), await registerOwner(app)];
  admin = await createSuperAdmin(app);
  for (const [{ tenantId }, count] of [
    [owner, PEOPLE],
    [small, 30],
  ] as const)
    await insertPeople(
      app,
      Array.from({ length: count }, (_, n) => ({
        id: newId(),
        tenantId,
        email: `${n % 9 ? "user" : "guest"}${n}@${tenantId.slice(-4)}.example`,
        // The rarest are the oldest.
        firstName: n < 40 ? "Quirin" : (FIRST[n % FIRST.length] ?? null),
        lastName: n % 7 ? `Last${n % 50}` : null,
        createdAt: new Date(Date.UTC(2024, 0, 1, 0, 0, 0, n >> 1)),
        ...(n % 31 === 3 && { isDeleted: true, deletedAt: new Date() }),
      })),
    );
});

const word = fc.oneof(
  fc.constantFrom("user", "user1", "guest", "anna", "QUIRIN", "zoe", "ZOË", "last4", "example"),
  fc.constantFrom(
    "a",
    "li",
    "qu",
    "z",
    "0",
    "@",
    "%",
    "_",
    "\\",
    "'",
    "½",
    "r%c",
    "r_s",
    "k\\s",
    "-",
  ),
  fc.stringMatching(/^[a-z0-9@.%_\\' ]{1,4}$/),
  // Long enough for the index to be asked for less than all of it.
  fc.nat({ max: 1400 }).map((n) => `user${n}@`),
  fc.constantFrom("quirin last", ".example quirin", "guest27@", "last4 user1", "a%b_cdef\\ghi"),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 3 }),
);
const search = fc
  .array(word, { minLength: 1, maxLength: 3 })
  .map((words) =>
    words
      .join(" ")
      .toWellFormed()
      .replace(/\p{Cc}/gu, "")
      .trim(),
  )
  .filter((text) => text !== "");
const sort = fc.constantFrom("createdAt", "-createdAt", "email", "-email", "lastName", "-lastName");

/** The pages until the last or the fourth. */
async function pages(query: Record<string, string>, token: string) {
  const answers: unknown[] = [];
  for (let cursor: string | null = ""; cursor !== null && answers.length < 4; ) {
    const asked = new URLSearchParams({ ...query, ...(cursor && { cursor }) });
    const { status, body } = await app.call(`GET /v1/users?${asked}`, { token });
    expect(status).toBe(200);
    answers.push(body);
    cursor = body.nextCursor;
  }
  return answers;
}

test("the pages of any search are those of the plain query, whoever asks, in every order", async () => {
  const caller = fc.constantFrom("owner", "small", "admin");
  const limit = fc.constantFrom("1", "7", "20", "100");
  await fc.assert(
    fc.asyncProperty(search, sort, limit, caller, async (text, order, most, who) => {
      const { accessToken } = { owner, small, admin }[who as "owner"];
      const query = { search: text, sort: order, limit: most };
      const found = await pages(query, accessToken);
      // Everybody is active. A second filter is what the function does not know, so Prisma answers.
      expect(found).toEqual(await pages({ ...query, status: "active" }, accessToken));
    }),
    { numRuns: 120 },
  );
}, 120_000);

test("whoever fits a pattern fits the pieces of it that the index is asked for, whichever are rare", async () => {
  const text = fc.string({ unit: fc.constantFrom(..."abcde12 @%_\\ë"), maxLength: 16 });
  // Of what is looked for itself, so that some of its pieces are frequent and others are not.
  const slices = fc.array(fc.tuple(fc.nat({ max: 12 }), fc.nat({ max: 6 })), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(text, text, text, slices, async (before, piece, behind, sliced) => {
      const sample = sliced.map(([from, more]) => piece.slice(from, from + 3 + more));
      const pattern = `%${literal(piece)}%`;
      const { rows } = await app.deps.pool.query(
        `SELECT $1::text LIKE $2 AS fits, $1 LIKE ALL (rarest_pieces(ARRAY[$2], $3)) AS "fitsPieces",
           cardinality(rarest_pieces(ARRAY[$2, '', '%', 'x', '%x', NULL], $3)) AS patterns`,
        [before + piece + behind, pattern, sample],
      );
      expect(rows).toEqual([{ fits: true, fitsPieces: true, patterns: 6 }]);
    }),
  );
});

test("each way is taken: what fills the page at once, what is rare, what many have and the first do not", async () => {
  const names = async (text: string, order: string, limit = 20) => {
    const [page] = await pages({ search: text, sort: order, limit: `${limit}` }, owner.accessToken);
    return (page as { items: { email: string }[] }).items.map(({ email }) => email);
  };
  expect(await names("user", "-createdAt")).toHaveLength(20);
  expect(await names("quirin", "-createdAt")).toHaveLength(20);
  expect((await names("user1299", "createdAt")).length).toBe(1);
  // Guests come first in this order, and more than a thousand are none.
  const late = await names("user", "email", 100);
  expect([late.length, late.every((email) => email.startsWith("user"))]).toEqual([100, true]);
});

test("the text follows the user: entered, renamed, deleted, restored, gone", async () => {
  const token = small.accessToken;
  const found = async (text: string) => {
    const { body } = await app.call(`GET /v1/users?search=${text}`, { token });
    return body.items.map(({ id }: { id: string }) => id);
  };
  const made = await app.call("POST /v1/users", {
    token,
    json: { email: "follow@me.example", firstName: "Wilhelmina" },
  });
  const { id } = made.body;
  expect(await found("wilhelm")).toEqual([id]);
  await app.call(`PATCH /v1/users/${id}`, { token, json: { firstName: "Ottokar" } });
  expect([await found("wilhelm"), await found("ottokar")]).toEqual([[], [id]]);
  await app.call(`DELETE /v1/users/${id}`, { token });
  expect(await found("ottokar")).toEqual([]);
  const { rows: kept } = await app.deps.pool.query("SELECT FROM user_search WHERE user_id = $1", [
    id,
  ]);
  expect(kept).toEqual([]);
  await app.call(`POST /v1/users/${id}/restore`, { token });
  expect(await found("ottokar")).toEqual([id]);
  await app.deps.db.user.deleteMany({ where: { id } });
  const { rows } = await app.deps.pool.query(`
    SELECT coalesce(user_id, users.id) AS id FROM user_search FULL JOIN
      (SELECT id, tenant_id, search_text FROM users WHERE kind = 'person' AND NOT is_deleted) AS users ON users.id = user_id
    WHERE (user_id, user_search.tenant_id, text) IS DISTINCT FROM (users.id, users.tenant_id, ' ' || search_text)`);
  expect(rows).toEqual([]);
});
