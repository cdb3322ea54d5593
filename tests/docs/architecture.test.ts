/** ARCHITECTURE.md: its folders and files are there, and its two walks go downwards, call by call. */
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { page, ROOT, tableRows } from "./pages.ts";

const { text } = page("ARCHITECTURE.md");

test("the map names every folder of src, and the packages", () => {
  const folders = ["src", "packages"].flatMap((room) =>
    readdirSync(join(ROOT, room), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `\`${room}/${entry.name}/\``),
  );
  expect(folders.length).toBeGreaterThan(20);
  expect(folders.filter((folder) => !text.includes(folder))).toEqual([]);
});

describe("each question is answered by one file, which declares what to look for", () => {
  const answers = tableRows(page("ARCHITECTURE.md")).filter(([, file]) => file?.includes("]("));
  expect(answers.length).toBeGreaterThan(20);
  for (const [question = "", file = "", name = ""] of answers)
    test(question, () => {
      expect(declares(pathOf(file), name.replaceAll("`", ""))).toBe(true);
    });
});

describe("each step of a walk is called by the step above it", () => {
  const above: string[] = [];
  for (const [, indent = "", name = "", path = ""] of text.matchAll(
    /^( *)- `(\w+)` in \[[^\]]+\]\(([^)]+)\)/gm,
  )) {
    const depth = indent.length / 2;
    const caller = above[depth - 1];
    above[depth] = path;
    test(`${name} in ${path}`, () => {
      expect(declares(path, name)).toBe(true);
      if (caller !== undefined) expect(sourceOf(caller)).toMatch(new RegExp(`\\b${name}\\b`));
    });
  }
  test("there are two walks", () =>
    expect(text.match(/^ *- `\w+` in \[/gm)?.length).toBeGreaterThan(30));
});

function pathOf(cell: string): string {
  return /\]\(([^)]+)\)/.exec(cell)?.[1] ?? "";
}

function sourceOf(path: string): string {
  const file = join(ROOT, path);
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

/** As a function, constant or type, as the method of an object, or in SQL. */
function declares(path: string, name: string): boolean {
  const declaration = `^(export )?(async )?(function|const|type) ${name}\\b|^ +${name}\\(.*\\{$|^CREATE FUNCTION ${name}\\b`;
  return new RegExp(declaration, "m").test(sourceOf(path));
}
