/** Pages of users: by cursor through every sort order, by number with a total. */
import { beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { newId } from "../../src/db/id.ts";
import type { User } from "../../src/users/public-user.ts";
import { type Account, randomName, registerOwner, testApp } from "../support/app.ts";
import { insertPeople } from "./people.ts";

const SORTS = ["createdAt", "-createdAt", "email", "-email", "lastName", "-lastName"] as const;
type Sort = (typeof SORTS)[number];

const GONE = { isDeleted: true, deletedAt: new Date() };

const app = testApp();
let owner: Account & { tenantId: string };
beforeAll(async () => {
  owner = await registerOwner(app);
  await registerOwner(app);
});

/** Few values, so that ties and NULLs are common. */
const people = fc.array(
  fc.record({
    lastName: fc.option(fc.constantFrom("a", "b", "B", "ä", "O'Neill", '"', "\\", "%", "_", "😀"), {
      nil: null,
    }),
    createdAt: fc
      .integer({ min: 1, max: 4 })
      .map((n) => new Date(Date.UTC(2020, 0, 1, 0, 0, 0, n))),
    email: fc.stringMatching(/^[a-z]{1,3}$/),
  }),
  { maxLength: 14 },
);

async function insert(
  rows: { lastName: string | null; createdAt: Date; email: string }[],
): Promise<void> {
  await insertPeople(
    app,
    rows.map(({ email, ...row }) => ({
      ...row,
      id: newId(),
      tenantId: owner.tenantId,
      email: `${email}@${randomName()}.example`,
    })),
  );
}

/** Follows the cursors to the end; `between` runs after each page. */
async function walk(query: string, between = async () => {}): Promise<User[]> {
  const items: User[] = [];
  for (let cursor = ""; ; ) {
    const { status, body } = await app.call(`GET /v1/users?${query}${cursor}`, {
      token: owner.accessToken,
    });
    expect(status).toBe(200);
    items.push(...body.items);
    if (body.nextCursor === null) return items;
    cursor = `&cursor=${body.nextCursor}`;
    await between();
  }
}

/** The order as it must be: text as the database collates it, NULLs last when ascending, ties by id. */
async function sorted(users: User[], sort: Sort): Promise<string[]> {
  const column = sort.replace("-", "") as "createdAt" | "email" | "lastName";
  const { rows } = await app.deps.pool.query<{ text: string }>(
    "SELECT text FROM unnest($1::text[]) AS text GROUP BY text ORDER BY text",
    [users.map((user) => user[column]).filter((text) => text !== null)],
  );
  const places = new Map<string | null, number>(rows.map(({ text }, place) => [text, place]));
  const place = (user: User) => places.get(user[column]) ?? rows.length;
  const ascending = users.toSorted((a, b) => place(a) - place(b) || (a.id < b.id ? -1 : 1));
  return (sort.startsWith("-") ? ascending.reverse() : ascending).map((user) => user.id);
}

test("the pages of every sort order hold every user once, in order, whatever the page size", async () => {
  await fc.assert(
    fc.asyncProperty(people, fc.integer({ min: 1, max: 9 }), async (rows, limit) => {
      await app.deps.db.user.deleteMany({
        where: { tenantId: owner.tenantId, id: { not: owner.id } },
      });
      await insert(rows);
      const everybody = await walk("limit=100");
      expect(everybody).toHaveLength(rows.length + 1);
      for (const sort of SORTS) {
        const walked = await walk(`sort=${sort}&limit=${limit}`);
        expect(walked.map((user) => user.id)).toEqual(await sorted(everybody, sort));
      }
    }),
    { numRuns: 12 },
  );
});

test("users made meanwhile move nobody who was there to another place, and nobody comes twice", async () => {
  await insert(
    Array.from({ length: 15 }, (_, n) => ({
      lastName: n % 3 ? `n${n}` : null,
      createdAt: new Date(2020, 1, n + 1),
      email: `p${n}`,
    })),
  );
  const before = await walk("limit=100");
  for (const sort of SORTS) {
    const meanwhile = () =>
      insert([
        { lastName: null, createdAt: new Date(), email: "a" },
        { lastName: "n5", createdAt: new Date(0), email: "z" },
      ]);
    const walked = (await walk(`sort=${sort}&limit=4`, meanwhile)).map((user) => user.id);
    expect(new Set(walked).size).toBe(walked.length);
    const known = new Set(before.map((user) => user.id));
    expect(walked.filter((id) => known.has(id))).toEqual(await sorted(before, sort));
  }
});

test("a page by number comes with the total, and continues by cursor where it ends", async () => {
  const all = await walk("limit=100&sort=email");
  const page = (n: number) =>
    app.call(`GET /v1/users?sort=email&limit=5&page=${n}`, { token: owner.accessToken });
  const second = await page(2);
  expect(second.body).toMatchObject({ page: 2, total: all.length });
  expect(second.body.items).toEqual(all.slice(5, 10));
  const third = await app.call(
    `GET /v1/users?sort=email&limit=5&cursor=${second.body.nextCursor}`,
    { token: owner.accessToken },
  );
  expect(third.body.items).toEqual(all.slice(10, 15));
  expect(third.body).not.toHaveProperty("total");
  expect((await page(500)).body).toEqual({
    items: [],
    nextCursor: null,
    page: 500,
    total: all.length,
  });
});

test("a cursor that is not one of this very list and order is 422", async () => {
  const token = owner.accessToken;
  const of = (...parts: unknown[]) => Buffer.from(JSON.stringify(parts)).toString("base64url");
  const [id, time] = [newId(), "2020-01-01T00:00:00.000Z"];
  const audit = await app.call("GET /v1/audit-logs?limit=1", { token });
  await app.call("GET /v1/users", { token });
  const byEmail = await app.call("GET /v1/users?limit=1&sort=email", { token });
  const cursors = [
    ...[
      "x",
      "%00",
      "%F0%9F%98%80",
      "W10",
      "bnVsbA",
      "e30",
      "x".repeat(1001),
      of(),
      of("users createdAt desc"),
    ],
    ...[
      audit.body.nextCursor ?? of("audit-logs createdAt desc", time, id),
      byEmail.body.nextCursor,
    ],
    ...[
      of("sessions createdAt desc", time, id),
      of("users createdAt asc", time, id),
      of("createdAt desc", time, id),
    ],
    // Of the right order, with values that the column cannot hold: PostgreSQL must never see them.
    ...[
      null,
      1,
      "",
      "x",
      "0000-01-01T00:00:00Z",
      "2020-13-01T00:00:00Z",
      "9999-12-31T23:59:59-23:59",
      { gt: time },
      [time],
    ].map((value) => of("users createdAt desc", value, id)),
    ...["", "x", null, 1, { not: id }].map((wrong) => of("users createdAt desc", time, wrong)),
    of("users createdAt desc", time, id, "more"),
  ];
  for (const cursor of cursors) {
    const { status, body } = await app.call(`GET /v1/users?cursor=${cursor}`, { token });
    expect(`${cursor} ${status} ${body.code}`).toBe(`${cursor} 422 validation_failed`);
    expect(body.errors[0].path).toBe("cursor");
  }
  const nul = await app.call(
    `GET /v1/users?sort=email&cursor=${of("users email asc", "a\0b", id)}`,
    { token },
  );
  expect(nul.status).toBe(422);
  const own = await app.call(`GET /v1/users?cursor=${of("users createdAt desc", time, id)}`, {
    token,
  });
  expect(own.status).toBe(200);
});

test("whatever is written between the pages, who was there all the time and stayed in place comes once", async () => {
  const change = fc.record({
    kind: fc.constantFrom("insert", "delete", "rename", "touch"),
    at: fc.nat(),
    name: fc.option(fc.constantFrom("a", "b", "ä", "z"), { nil: null }),
  });
  const changes = fc.array(fc.array(change, { maxLength: 4 }), { minLength: 1, maxLength: 4 });
  const where = { tenantId: owner.tenantId, id: { not: owner.id } };
  await fc.assert(
    fc.asyncProperty(people, changes, fc.constantFrom(...SORTS), async (rows, rounds, sort) => {
      await app.deps.db.user.deleteMany({ where });
      await insert(rows);
      const before = await walk("limit=100");
      const moved = new Set<string>();
      let round = 0;
      const meanwhile = async () => {
        for (const { kind, at, name } of rounds[round++] ?? []) {
          const id = before.filter((user) => user.id !== owner.id)[at % before.length]?.id;
          const row = { lastName: name, createdAt: new Date(0), email: "w" };
          if (kind === "insert" || id === undefined) await insert([row]);
          else if (kind === "touch")
            await app.deps.db.user.update({ where: { id }, data: { firstName: "Ada" } });
          else {
            moved.add(id);
            const data = kind === "rename" ? { lastName: name } : GONE;
            await app.deps.db.user.update({ where: { id }, data });
          }
        }
      };
      const walked = (await walk(`sort=${sort}&limit=3`, meanwhile)).map((user) => user.id);
      const still = before.filter(({ id }) => !moved.has(id));
      const kept = new Set(still.map(({ id }) => id));
      expect(walked.filter((id) => kept.has(id))).toEqual(await sorted(still, sort));
    }),
    { numRuns: 25 },
  );
});
