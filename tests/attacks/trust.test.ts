/** docs/reference/trust.md says with numbers what a stranger may spend: it says what the code does. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { LOCKOUT } from "../../src/config/limits.ts";
import { COSTLY_WAITING_EACH } from "../../src/db/scoped-pool.ts";
import { ANONYMOUS_BODY_BYTES } from "../../src/http/body.ts";
import { MOST_KEPT_BYTES } from "../../src/http/idempotency.ts";
import { BYTES_PER_SECOND } from "../../src/http/pace.ts";
import * as codes from "../../src/one-time-tokens/redeem.ts";
import { POLICIES } from "../../src/rate-limits/policies.ts";
import { MOST_ROLES } from "../../src/roles/create.ts";
import { IN_PERSON } from "../../src/roles/in-person.ts";
import { EXPORTS, IMPORTS, LONG_WRITES } from "../../src/turns.ts";
import * as bulk from "../../src/users/bulk/bulk.ts";
import * as imports from "../../src/users/import/import.ts";
import { MOST_ROWS } from "../../src/users/import/read-rows.ts";

const document = readFileSync(join(import.meta.dir, "../../docs/reference/trust.md"), "utf8");

/** The cells of the table below a heading, without the two lines that begin it. */
function table(heading: string): string[][] {
  const [, text = ""] = document.split(`${heading}\n`);
  const [rows = ""] = /^\|.*(\n\|.*)*/m.exec(text) ?? [];
  return rows
    .split("\n")
    .slice(2)
    .map((row) => row.split("|").map((cell) => cell.trim().replaceAll("`", "")))
    .map((cells) => cells.slice(1, -1));
}

test("R72, R74: the trust statement has every policy with its numbers", () => {
  const told = table("### Attempts and rows").map(([name, quota, seconds]) => [
    name,
    Number(quota),
    Number(seconds),
  ]);
  const held = Object.entries(POLICIES).map(([name, { quota, windowSeconds }]) => [
    name,
    quota,
    windowSeconds,
  ]);
  expect(told).toEqual(held);
});

test("R71, R72, R73 and R75: the trust statement has the bounds that hold", () => {
  const told = table("### Turns, sizes and times").map(([, name, number]) => [
    name,
    Number(number),
  ]);
  expect(Object.fromEntries(told)).toEqual({
    "imports of a tenant": IMPORTS.turnsEach,
    imports: IMPORTS.turns,
    rows: MOST_ROWS,
    "import seconds": imports.TIMEOUT_MILLIS / 1000,
    "bulk seconds": bulk.TIMEOUT_MILLIS / 1000,
    "long writes of a tenant": LONG_WRITES.turnsEach,
    "exports of a tenant": EXPORTS.turnsEach,
    exports: EXPORTS.turns,
    "waiting reads": COSTLY_WAITING_EACH,
    "anonymous body": ANONYMOUS_BODY_BYTES,
    pace: BYTES_PER_SECOND,
    "kept answer": MOST_KEPT_BYTES,
    tries: codes.MOST_ATTEMPTS,
    "code seconds": codes.CODE_SECONDS,
    guesses: LOCKOUT.attempts,
    "most guesses": LOCKOUT.mostAttempts,
    "device guesses": LOCKOUT.deviceAttempts,
    roles: MOST_ROLES,
  });
});

test("R62: the trust statement has what nobody does in another's name, with its reason", () => {
  const told = table("### What nobody does in another's name");
  expect(told).toEqual(Object.entries(IN_PERSON));
});
