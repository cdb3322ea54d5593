/** The pages hold together: short where they begin, no link into nothing, no file that has gone, no sentence twice. */
import { expect, test } from "bun:test";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { anchors, links, page, pages, prose, ROOT, sentences } from "./pages.ts";

test("README.md has 160 lines at most", () => {
  expect(page("README.md").text.trimEnd().split("\n").length).toBeLessThanOrEqual(160);
});

test("every relative link leads to a file or folder, and its anchor to a heading", () => {
  const all = pages.flatMap((from) => links(from).map((link) => ({ from: from.path, ...link })));
  expect(all.length).toBeGreaterThan(30);
  const broken = all.filter(({ path, anchor }) => {
    if (!existsSync(join(ROOT, path))) return true;
    if (anchor === "") return false;
    return !statSync(join(ROOT, path)).isFile() || !anchors(page(path)).includes(anchor);
  });
  expect(broken.map(({ from, link }) => `${from}: ${link}`)).toEqual([]);
});

test("what a page names as a file of ours is there", () => {
  const ours = pages.filter(({ path }) => !path.startsWith("packages/"));
  const named = ours.flatMap((from) =>
    [
      ...prose(from).matchAll(/`((?:src|tests|scripts|docs|packages|\.ci|\.github)\/[\w./-]+)`/g),
    ].map(([, path = ""]) => ({ from: from.path, path })),
  );
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter(({ path }) => !existsSync(join(ROOT, path)))).toEqual([]);
});

test("no sentence stands twice", () => {
  const all = pages.flatMap((from) => sentences(from).map((text) => ({ from: from.path, text })));
  const twice = [...Map.groupBy(all, ({ text }) => text)].filter(([, places]) => places.length > 1);
  expect(twice.map(([text, places]) => [text, ...places.map(({ from }) => from)])).toEqual([]);
});
