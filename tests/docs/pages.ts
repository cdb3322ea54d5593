/** The pages that people read: README, docs, and what stands beside them. */
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

export const ROOT = join(import.meta.dir, "../..");

export type Page = { path: string; text: string };

export function page(path: string): Page {
  return { path, text: readFileSync(join(ROOT, path), "utf8") };
}

export const pages: readonly Page[] = ["*.md", "docs/**/*.md", "packages/*/README.md"]
  .flatMap((places) => [...new Bun.Glob(places).scanSync({ cwd: ROOT })])
  .sort()
  .map(page);

/** Without the blocks of code. */
export function prose({ text }: Page): string {
  return text.replace(/^```[\s\S]*?^```$/gm, "");
}

/** Where its relative links lead: a path from the root, and the anchor or "". */
export function links(from: Page): { link: string; path: string; anchor: string }[] {
  return [...prose(from).matchAll(/\]\((?!\w+:)([^)\s]+)\)/g)].map(([, link = ""]) => {
    const [target = "", anchor = ""] = link.split("#");
    const path = target === "" ? from.path : relative(ROOT, join(ROOT, dirname(from.path), target));
    return { link, path, anchor };
  });
}

/** The anchors that GitHub makes of its headings. */
export function anchors(of: Page): string[] {
  return [...prose(of).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** The rows of its tables, heads and rulers among them, cell by cell. */
export function tableRows({ text }: Page): string[][] {
  return [...text.matchAll(/^\| (.*) \|$/gm)].map(([, row = ""]) =>
    row.split(" |").map((cell) => cell.trim()),
  );
}

/** Its sentences of some length, each as plain words. */
export function sentences(of: Page): string[] {
  return prose(of)
    .replace(/^\|.*$/gm, "")
    .split(/(?<=[.:;!?])\s|\n\n|^[-#]/m)
    .map((sentence) =>
      sentence
        .replace(/\]\([^)]*\)/g, "")
        .toLowerCase()
        .replace(/[^\p{L}\p{N}]+/gu, " ")
        .trim(),
    )
    .filter((sentence) => sentence.length >= 40);
}
