/** The catalog of errors and the pages that speak of them. */
import { expect, test } from "bun:test";
import { ERRORS, type ErrorCode } from "../../src/errors.ts";
import { PROBLEMS } from "../../src/http/operation.ts";
import { pages } from "./pages.ts";

test("an error that a page names behind a status has this status", () => {
  const wrong: string[] = [];
  let named = 0;
  for (const { path, text } of pages) {
    for (const [, status, codes = ""] of text.matchAll(
      /\b([45]\d\d) ((?:`[a-z_]+`(?:, | and | or |,\n| ?\/ ?)?)+)/g,
    )) {
      for (const [, code = ""] of codes.matchAll(/`([a-z_]+)`/g)) {
        named += 1;
        if (String(ERRORS[code as ErrorCode]?.status) !== status)
          wrong.push(`${path}: ${status} ${code}`);
      }
    }
  }
  expect(wrong).toEqual([]);
  expect(named).toBeGreaterThan(10);
});

test("the OpenAPI document tells each code, but for those of no operation, under its status", () => {
  for (const [code, { status, detail }] of Object.entries(ERRORS)) {
    const told = PROBLEMS[`Problem${status}`]?.description.split("\n") ?? [];
    const isOfNone = ["method_not_allowed", "internal_error"].includes(code);
    expect([code, told.includes(`- \`${code}\`: ${detail.replaceAll("<", "\\<")}`)]).toEqual([
      code,
      !isOfNone,
    ]);
  }
});
