/** Reading from a streaming replica: who has written sees it, whichever instance they ask; the primary decides who may. */
import { afterAll, beforeAll, beforeEach, expect, spyOn, test } from "bun:test";
import fc from "fast-check";
import {
  createMember,
  createTestApp,
  randomName,
  registerOwner,
  type TestApp,
} from "../support/app.ts";
import { createDatabase, type TestDatabase } from "../support/postgres.ts";
import { type Pair, startPair } from "../support/replica.ts";

type Owner = Awaited<ReturnType<typeof registerOwner>>;

let pair: Pair;
let database: TestDatabase;
/** Two instances, both with the replica, and one without. */
let here: TestApp;
let there: TestApp;
let plain: TestApp;
let owner: Owner;

const LAG = 400;

beforeAll(async () => {
  pair = await startPair(async (server) => {
    database = await createDatabase({ server });
  });
  const env = {
    DATABASE_REPLICA_URL: pair.atReplica(database.appUrl),
    DATABASE_REPLICA_LAG_MILLISECONDS: String(LAG),
  };
  here = await createTestApp(env, database);
  const same = {
    DATABASE_URL: database.appUrl,
    SECRET_KEY: here.deps.config.secretKey.toString("base64"),
  };
  const shared = { ...database, drop: async () => {} };
  there = await createTestApp({ ...env, ...same }, shared);
  plain = await createTestApp(same, shared);
  owner = await registerOwner(here);
}, 180_000);
afterAll(async () => {
  for (const app of [plain, there, here]) await app?.close();
  pair?.stop();
});
beforeEach(async () => {
  await pair.resume();
  await untilBack();
});

/** Until both instances read from the replica. */
async function untilBack(): Promise<void> {
  const deadline = Date.now() + 10_000;
  for (const { served } of [here, there])
    while (!(await served.replica?.isCurrent())) {
      if (Date.now() > deadline) throw new Error("the replica does not come back");
      await Bun.sleep(50);
    }
}

/** Does something, and answers how many of its queries the replica had. */
async function readsAtReplica(app: TestApp, work: () => Promise<unknown>): Promise<number> {
  const replica = app.served.replica;
  if (!replica) throw new Error("there is no replica");
  let taken = 0;
  const count = () => {
    taken += 1;
  };
  replica.pool.on("acquire", count);
  try {
    await work();
    return taken;
  } finally {
    replica.pool.off("acquire", count);
  }
}

const LISTS = [
  "GET /v1/users",
  "GET /v1/users?search=owner",
  "GET /v1/users?status=active&page=1",
  "GET /v1/users/export",
  "GET /v1/audit-logs",
  "GET /v1/audit-logs?action=user.created",
  "GET /v1/audit-logs/export",
  "GET /v1/roles",
  "GET /v1/invitations",
  "GET /v1/service-accounts",
];

test.each(LISTS)("%s is read from the replica, and is what the primary says", async (route) => {
  const read = async (app: TestApp) => (await app.as(owner, route)).body;
  let answer: unknown;
  expect(
    await readsAtReplica(here, async () => {
      answer = await read(here);
    }),
  ).toBeGreaterThan(0);
  // An export is a row of the log itself.
  const lines = (text: unknown) => String(text).split("\n");
  if (route === "GET /v1/audit-logs/export")
    expect(lines(answer)).toEqual(lines(await read(plain)).toSpliced(0, 1));
  else expect(answer).toEqual(await read(plain));
});

test("changes, single reads and who may do what ask the replica nothing", async () => {
  const member = await createMember(here, owner);
  const reads = await readsAtReplica(here, async () => {
    await here.as(owner, `PATCH /v1/users/${member.id}`, { firstName: "Ada" });
    expect((await here.as(owner, `GET /v1/users/${member.id}`)).body.firstName).toBe("Ada");
    expect((await here.as(member, "GET /v1/auth/me")).status).toBe(200);
    expect((await here.as(member, "GET /v1/audit-logs")).status).toBe(403);
  });
  expect(reads).toBe(0);
});

test("whom the primary has put out reads nothing, also while the replica has not heard of it", async () => {
  const member = await createMember(here, owner, ["admin"]);
  expect((await there.as(member, "GET /v1/users")).status).toBe(200);
  await pair.pause();
  const change = async (json: object) =>
    expect((await here.as(owner, `PATCH /v1/users/${member.id}`, json)).status).toBe(200);
  await change({ roles: [] });
  await untilStatus(member, 403);
  await change({ status: "disabled" });
  await untilStatus(member, 401);
});

async function untilStatus(who: Owner | { accessToken: string }, status: number): Promise<void> {
  const deadline = Date.now() + 2000;
  while ((await there.as(who, "GET /v1/users")).status !== status) {
    if (Date.now() > deadline) throw new Error(`no ${status}`);
    await Bun.sleep(10);
  }
}

test("row-level security holds at the replica as at the primary", async () => {
  const other = await registerOwner(here);
  const replica = here.served.replica;
  await untilBack();
  const { rows } = (await replica?.pool.query("SELECT id FROM users")) ?? { rows: null };
  expect(rows).toEqual([]);
  const { body } = await here.as(other, "GET /v1/users");
  expect(body.items.map(({ id }: { id: string }) => id)).toEqual([other.id]);
  await expect(
    replica?.pool.query("UPDATE users SET first_name = 'x'") ?? Promise.resolve(),
  ).rejects.toThrow(/read-only/);
});

type Step =
  | { do: "create" | "read"; at: number }
  | { do: "rename" | "delete"; at: number; which: number }
  | { do: "pause" | "resume" };

const at = fc.integer({ min: 0, max: 1 });
const which = fc.nat({ max: 20 });
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ do: fc.constantFrom("create", "read"), at }),
    fc.record({ do: fc.constantFrom("rename", "delete"), at, which }),
    fc.record({ do: fc.constantFrom("pause", "resume") }),
  ),
  { minLength: 4, maxLength: 20 },
);

test("whatever is written at whichever instance, and however far the replica is, each read has all of it", async () => {
  const answered = { replica: 0 };
  await fc.assert(
    fc.asyncProperty(steps, async (plan) => {
      await pair.resume();
      const mine = await registerOwner(here);
      const users = new Map<string, string>([[mine.id, ""]]);
      const apps = [here, there] as const;
      let changes = 0;
      for (const step of plan) {
        if (!("at" in step)) {
          await pair[step.do]();
          continue;
        }
        const app = apps[step.at] ?? here;
        if (step.do === "create") {
          const email = `${randomName()}@members.example`;
          const { body } = await app.as(mine, "POST /v1/users", { email, firstName: "findme" });
          users.set(body.id, "findme");
          changes += 1;
        } else if (step.do === "rename" || step.do === "delete") {
          const id = [...users.keys()].slice(1)[step.which % Math.max(1, users.size - 1)];
          if (id === undefined) continue;
          if (step.do === "delete") {
            expect((await app.as(mine, `DELETE /v1/users/${id}`)).status).toBe(204);
            users.delete(id);
          } else {
            const firstName = `findme ${randomName()}`;
            await app.as(mine, `PATCH /v1/users/${id}`, { firstName });
            users.set(id, firstName);
          }
          changes += 1;
        } else if (step.do === "read") {
          answered.replica += await readsAtReplica(app, () => readAll(app, mine, users, changes));
        }
      }
    }),
    { numRuns: 15 },
  );
  expect(answered.replica).toBeGreaterThan(0);
}, 120_000);

async function readAll(
  app: TestApp,
  mine: Owner,
  users: Map<string, string>,
  changes: number,
): Promise<void> {
  const names = async (route: string) => {
    const { body } = await app.as(mine, route);
    const items: { id: string; firstName: string | null }[] = body.items;
    return new Map(items.map(({ id, firstName }) => [id, firstName ?? ""]));
  };
  const sorted = (of: Map<string, string>) => [...of].sort();
  expect(sorted(await names("GET /v1/users?limit=100"))).toEqual(sorted(users));
  const found = new Map([...users].filter(([, name]) => name !== ""));
  expect(sorted(await names("GET /v1/users?limit=100&search=findme"))).toEqual(sorted(found));
  const rows = await app.call("GET /v1/users/export", {
    token: mine.accessToken,
    headers: { accept: "application/x-ndjson" },
  });
  const exported = rows.body
    .trim()
    .split("\n")
    .map((row: string) => JSON.parse(row).id);
  expect(exported.sort()).toEqual([...users.keys()].sort());
  const { body } = await app.as(mine, "GET /v1/audit-logs?limit=100&resourceType=user");
  const changed = body.items.filter(({ action }: { action: string }) =>
    /^user\.(created|updated|deleted)$/.test(action),
  );
  expect(changed).toHaveLength(changes);
}

test("behind for longer than it may, the primary answers, at once from then on; and the replica once it has caught up", async () => {
  await pair.pause();
  await createMember(here, owner);
  const timed = async () => {
    const start = performance.now();
    expect((await here.as(owner, "GET /v1/users")).status).toBe(200);
    return performance.now() - start;
  };
  expect(await timed()).toBeGreaterThan(LAG - 50);
  // Nobody waits for what is known to be behind.
  for (let n = 0; n < 3; n += 1) expect(await timed()).toBeLessThan(LAG - 50);
  await pair.resume();
  await untilBack();
  expect(await readsAtReplica(here, timed)).toBeGreaterThan(0);
});

test("lost, the primary answers, and the instance stays ready; found again, the replica does", async () => {
  pair.stopReplica();
  for (let n = 0; n < 3; n += 1)
    expect((await here.as(owner, "GET /v1/users/export")).status).toBe(200);
  expect((await here.call("GET /health/ready")).status).toBe(200);
  await pair.startReplica();
  await untilBack();
  expect(await readsAtReplica(here, () => here.as(owner, "GET /v1/users"))).toBeGreaterThan(0);
});

test("what the replay of the log breaks off at the replica, the primary answers", async () => {
  const { replica } = here.served;
  const conflict = Object.assign(new Error("canceling statement due to conflict with recovery"), {
    code: "40001",
  });
  const broken = spyOn(replica?.pool ?? here.served.pool, "query").mockImplementation(() =>
    Promise.reject(conflict),
  );
  try {
    expect((await here.as(owner, "GET /v1/users")).status).toBe(200);
    expect(broken).toHaveBeenCalled();
  } finally {
    broken.mockRestore();
  }
});

test("a server that was made the primary is no replica any more", async () => {
  await pair.promote();
  let known = 0;
  // At first it has all that the primary has.
  const before = await readsAtReplica(here, async () => {
    known = (await here.as(owner, "GET /v1/users")).body.items.length;
  });
  expect(before).toBe(0);
  await createMember(here, owner);
  const reads = await readsAtReplica(there, async () => {
    const { body } = await there.as(owner, "GET /v1/users");
    expect(body.items).toHaveLength(known + 1);
  });
  expect(reads).toBe(0);
});
