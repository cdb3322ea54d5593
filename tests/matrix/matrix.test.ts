/** Who may do what: every operation of the OpenAPI document, asked by every kind of caller. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Document, type Route, routes, undocumented } from "../http/document.ts";
import { type Answer, createTestApp } from "../support/app.ts";
import { CALLERS, type Caller } from "./callers.ts";
import { equip, type House, makeWorld, type World } from "./houses.ts";
import { isOwn, make } from "./objects.ts";
import { expected, isGone, type Row } from "./row.ts";
import { OWN } from "./rows/own.ts";
import { TENANT } from "./rows/tenant.ts";
import { type Alike, attempt, attemptInVain, succeeds, type Try } from "./try.ts";

// Some forty requests each, and new accounts where those of before would not outlive it.
setDefaultTimeout(60_000);

const ROWS: Record<string, Row> = { ...OWN, ...TENANT };

let world: World;
let document: Document;
beforeAll(async () => {
  const app = await createTestApp();
  world = await makeWorld(app);
  document = (await app.call("GET /openapi.json")).body;
});
afterAll(() => world.app.close());

test("R59: every operation has a row in the matrix, and every row an operation", () => {
  const names = routes(document).map(({ name }) => name);
  expect(Object.keys(ROWS).sort()).toEqual(names.sort());
});

test("R59: a row asks for an access token exactly where the document does", () => {
  for (const { name, operation } of routes(document)) {
    const isOpen = ROWS[name]?.access === "anonymous";
    expect([name, isOpen]).toEqual([name, !operation.security?.length]);
  }
});

test("R59: no exception is one that the rules would make anyway", () => {
  for (const [name, { except = {}, ...row }] of Object.entries(ROWS)) {
    for (const caller of CALLERS) {
      const [status] = except[caller] ?? [];
      expect([name, caller, expected(row, caller).status]).not.toEqual([name, caller, status]);
    }
  }
});

test("R59: what a row leaves to other tests is tried where it says", () => {
  for (const { proof } of Object.values(ROWS)) {
    if (!proof) continue;
    const [place = "nowhere"] = /tests\/\S+/.exec(proof) ?? [];
    expect([proof, existsSync(join(import.meta.dir, "../..", place))]).toEqual([proof, true]);
  }
});

for (const [name, row] of Object.entries(ROWS)) {
  test(`R59: ${name}: the status of every caller`, async () => {
    await equipBoth(row);
    const tries = await askEach(name, row);
    const given = tries.map(([caller, { answer }]) => [caller, told(row, caller, answer)]);
    const wanted = CALLERS.map((caller) => [caller, want(row, caller)]);
    expect(Object.fromEntries(given)).toEqual(Object.fromEntries(wanted));
    for (const [caller, each] of tries) expectNoFault(name, row, caller, each);
    if (row.access !== "anonymous") await expectOneRefusal(name, tries);
    expectLogInKept(name, tries);
  });

  if (row.id)
    test(`R59: ${name}: another's id is answered as an absent and a malformed one`, async () => {
      await equipBoth(row);
      const callers = CALLERS.filter((caller) => isLetIn(row, caller));
      expect(callers).toContain("root");
      for (const caller of callers) {
        const alike = await attemptInVain(world, name, row, caller);
        for (const [kind, each, absent] of alike.flatMap(besideFirst)) {
          expect([caller, kind, each.answer.status]).toEqual([caller, kind, 404]);
          expect([caller, kind, plain(each)]).toEqual([caller, kind, plain(absent)]);
          expectNoFault(name, row, caller, each);
        }
      }
    });
}

/** First those who are turned away, all from one thing; it is whole for the first who is not. */
async function askEach(name: string, row: Row): Promise<[Caller, Try][]> {
  const { ours } = world;
  const thing = await make(world, row, ours, ours.bystander);
  const tries: [Caller, Try][] = [];
  for (const caller of CALLERS.filter((caller) => !succeeds(row, caller)))
    tries.push([caller, await attempt(world, name, row, caller, thing)]);
  const [first, ...others] = CALLERS.filter((caller) => succeeds(row, caller));
  if (first) {
    const isFree = row.id && !isOwn(row.id) && !row.endsTenant;
    tries.push([first, await attempt(world, name, row, first, isFree ? thing : undefined)]);
  }
  for (const caller of others) tries.push([caller, await attempt(world, name, row, caller)]);
  return tries;
}

/** What a stale log-in may do to how its owner logs in. */
const ITS_OWN_PROOF: Record<string, string> = {
  "POST /v1/auth/logout": "it ends its own session and no other",
  "POST /v1/auth/change-password": "the password is shown",
  "POST /v1/auth/reauthenticate": "the password is shown",
};

function expectLogInKept(name: string, tries: [Caller, Try][]): void {
  const [stale] = tries.filter(([caller]) => caller === "stale");
  const changed = stale?.[1].changedLogIn;
  expect([name, changed]).toEqual([name, Object.hasOwn(ITS_OWN_PROOF, name)]);
}

function besideFirst(alike: Alike): [kind: string, each: Try, first: Try][] {
  return alike.flatMap(([kind, each]) => (alike[0] ? [[kind, each, alike[0][1]]] : []));
}

async function equipBoth({ access }: Row): Promise<void> {
  await equip(world.app, world.ours, access);
  await equip(world.app, world.other, access);
}

/** Whoever gets as far as the id: it is theirs to find or not. */
function isLetIn(row: Row, caller: Caller): boolean {
  const { status } = expected(row, caller);
  return status === row.success || status === 404;
}

function want(row: Row, caller: Caller): string {
  const { status, code } = expected(row, caller);
  return code ? `${status} ${code}` : String(status);
}

/** As `want` has it: with the code where the rules name one. */
function told(row: Row, caller: Caller, { status, body }: Answer<unknown>): string {
  const { code } = expected(row, caller);
  return code && status >= 400 ? `${status} ${(body as { code: string }).code}` : String(status);
}

/** As documented, a problem where it is a failure, and not a word of the tenant that is not the caller's. */
function expectNoFault(name: string, row: Row, caller: Caller, { answer, said }: Try): void {
  expect([caller, undocumented(document, find(name), answer)]).toEqual([caller, null]);
  const type = answer.headers.get("content-type") ?? "";
  if (answer.status >= 400) expect([caller, type]).toEqual([caller, "application/problem+json"]);
  for (const { tenantId, slug } of hiddenFrom(row, caller)) {
    expect([caller, said.includes(tenantId) ? said : ""]).toEqual([caller, ""]);
    // Every address of the tenant has it in its domain.
    expect([caller, said.includes(slug) ? said : ""]).toEqual([caller, ""]);
  }
}

/** The tenants of which a caller learns nothing. A super admin sees all. */
function hiddenFrom({ access }: Row, caller: Caller): House[] {
  const { ours, other } = world;
  if (caller === "root") return [];
  if (caller === "foreign") return [ours];
  // Without an account of ours nothing of ours is told either, but where the body speaks of us.
  const isStranger = caller === "anonymous" || isGone(caller);
  return isStranger && access !== "anonymous" ? [ours, other] : [other];
}

/** A token that nobody ever gave out gets the very answer of one that is worth nothing any more. */
async function expectOneRefusal(name: string, tries: [Caller, Try][]): Promise<void> {
  const route = name.replace(/\{\w+\}/g, crypto.randomUUID());
  const answer = await world.app.call(route, { token: "made.up.token" });
  const madeUp = plain({ answer });
  for (const [caller, each] of tries.filter(([caller]) => isGone(caller)))
    expect([caller, plain(each)]).toEqual([caller, madeUp]);
}

/** What an answer says, but for which request it was. */
function plain({ answer: { status, headers, body } }: Pick<Try, "answer">) {
  const challenge = headers.get("www-authenticate");
  return { status, challenge, body: { ...(body as object), instance: "" } };
}

function find(name: string): Route {
  const found = routes(document).find((route) => route.name === name);
  if (!found) throw new Error(`the document has no ${name}`);
  return found;
}
