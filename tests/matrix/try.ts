/** One caller tries one operation. */
import { newId } from "../../src/db/id.ts";
import { type Account, type Answer, randomName } from "../support/app.ts";
import type { Caller } from "./callers.ts";
import {
  equip,
  type House,
  makeHouse,
  makeRoot,
  makeStale,
  makeTwin,
  seatOf,
  type World,
} from "./houses.ts";
import { isOwn, type Made, make, makeOwn } from "./objects.ts";
import { expected, isGone, type Row } from "./row.ts";

export type Try = {
  answer: Answer<unknown>;
  /** The answer as text, its header fields too. */
  said: string;
  /** Whether it changed how a stale caller logs in; undefined for all others. */
  changedLogIn?: boolean;
};

/** Who asks: with which token, as whom, and of which tenant they speak in a body. */
type Entry = { token?: string; who: Account; house: House };

/** @param made what the path names; without it a new one of ours, or of the caller where it is an account's own. */
export async function attempt(
  world: World,
  name: string,
  row: Row,
  caller: Caller,
  made?: Made,
): Promise<Try> {
  const may = succeeds(row, caller);
  const entry = await enter(world, row, caller, may);
  const named =
    (caller === "stale" ? await makeOwn(world, row, entry.house, entry.who) : null) ??
    made ??
    (may && endsWithTenant(row, caller)
      ? { id: entry.house.tenantId }
      : await make(world, row, world.ours, entry.who));
  if (caller !== "stale") return ask(world, name, row, caller, entry, named);
  const before = await logInOf(world, entry.who);
  const answered = await ask(world, name, row, caller, entry, named);
  return { ...answered, changedLogIn: (await logInOf(world, entry.who)) !== before };
}

/** All that an account logs in with, and is logged in by. */
async function logInOf({ app: { deps } }: World, { id }: Account): Promise<string> {
  const ids = { select: { id: true }, orderBy: { id: "asc" } } as const;
  const user = await deps.db.user.findUniqueOrThrow({
    where: { id },
    select: {
      status: true,
      isDeleted: true,
      apiKeys: { where: { revokedAt: null }, ...ids },
      sessions: { where: { revokedAt: null }, select: { sessionId: true } },
      account: {
        select: {
          ...{ email: true, pendingEmail: true, passwordHash: true },
          sessions: { where: { revokedAt: null }, ...ids },
          ...{ totpFactors: ids, passkeys: ids, recoveryCodes: ids },
        },
      },
    },
  });
  return JSON.stringify(user);
}

/** Answers to ids of the same kind: all of a list are to be the same. */
export type Alike = [kind: string, answer: Try][];

/** What is answered for ids that the caller may not see, the absent one first. */
export async function attemptInVain(
  world: World,
  name: string,
  row: Row,
  caller: Caller,
): Promise<Alike[]> {
  const { ours, other } = world;
  const theirs = caller === "foreign" ? ours : other;
  const entry = await enter(world, row, caller, false);
  const made = await make(world, row, theirs, theirs.bystander);
  const absent = newId();
  const tryEach = async (ids: Record<string, string>) => {
    const tries: Alike = [];
    for (const [kind, id] of Object.entries(ids))
      tries.push([kind, await ask(world, name, row, caller, entry, { ...made, id })]);
    return tries;
  };

  const owned = row.id !== undefined && isOwn(row.id);
  const alike: Alike[] = [
    await tryEach({
      absent: `${absent}/${absent}`,
      malformed: "x/x",
      // A super admin sees what all tenants have, but not what others have for themselves.
      ...((owned || caller !== "root") && { "another tenant's": made.id }),
      ...(owned && { "a colleague's": (await make(world, row, ours, ours.bystander)).id }),
    }),
  ];
  if (row.id === "userSession") {
    const [, foreign] = made.id.split("/");
    const [user] = (await make(world, row, entry.house, entry.who)).id.split("/");
    const ids = { absent, malformed: "x", "another user's": foreign };
    alike.push(
      await tryEach(
        Object.fromEntries(Object.entries(ids).map(([kind, id]) => [kind, `${user}/${id}`])),
      ),
    );
  }
  return alike;
}

/** Whether it is done: what it takes for that is set up for those alone. */
export function succeeds(row: Row, caller: Caller): boolean {
  return expected(row, caller).status === row.success;
}

function endsWithTenant({ endsTenant }: Row, caller: Caller): boolean {
  return endsTenant === true && caller !== "root";
}

async function enter(world: World, row: Row, caller: Caller, may: boolean): Promise<Entry> {
  const { app, ours, other, root, gone } = world;
  const isDoomed = may && endsWithTenant(row, caller);
  const house = isDoomed ? await makeHouse(app) : caller === "foreign" ? other : ours;
  if (isDoomed) await equip(app, house, row.access);
  if (caller === "stale") {
    const who = await makeStale(app, house);
    return { token: who.accessToken, who, house };
  }
  const seat = seatOf(caller);
  if (seat !== null) {
    const isTwin = may && row.fresh;
    const who = isTwin ? await makeTwin(app, house, seat) : house.seats[seat];
    return { token: who.accessToken, who, house };
  }
  if (caller === "root") {
    const who = may && row.fresh ? await makeRoot(app, house) : root;
    return { token: who.accessToken, who, house };
  }
  // Whoever these are: what a body says of them has to be valid all the same.
  const who = house.bystander;
  if (caller === "keyWith" || caller === "keyWithout")
    return { token: house.keys[caller], who, house };
  return isGone(caller) ? { token: gone[caller], who, house } : { who, house };
}

async function ask(
  { app }: World,
  name: string,
  row: Row,
  caller: Caller,
  { token, who, house }: Entry,
  made: Made,
): Promise<Try> {
  const [first = "", second = ""] = made.id.split("/");
  const at = { app, caller, house, who, made };
  const key = (await row.key?.(at)) ?? "";
  const path = name
    .replace("{id}", first || key)
    .replace("{key}", key)
    .replace(/\{\w+\}/, second);
  // What has to be set up would be the caller's: for whoever is turned away there is nothing.
  const isRefused = row.fresh && !succeeds(row, caller);
  if (!isRefused) await row.before?.(at);
  const own = caller === "stale" ? row.stale?.json?.(at) : undefined;
  const json = own ?? (isRefused ? row.json : ((await row.body?.(at)) ?? row.json));
  const headers = { "content-type": "text/csv", "idempotency-key": randomName() };
  const answer = await app.call(path, {
    ...(token !== undefined && { token }),
    ...(json !== undefined && { json }),
    ...(row.csv !== undefined && { body: row.csv, headers }),
  });
  const said = JSON.stringify([answer.body, Object.fromEntries(answer.headers)]);
  return { answer, said };
}
