/** Of all guides: the index names them, their code has types, and each is tested. */
import { afterAll, expect, spyOn, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PASSWORD } from "../support/app.ts";
import { filesOf, guideNames, openGuides, readGuide } from "./guide.ts";
import { openPage } from "./page.ts";
import { serve } from "./serve.ts";

const GUIDES = join(import.meta.dir, "..", "..", "docs", "guides");
const guides = guideNames().filter((name) => name !== "README.md");
const opened = openGuides("https://id.example.com");
afterAll(() => opened.remove());

test("the index names each guide once, and no other", () => {
  const named = [...readGuide("README.md").matchAll(/\]\(([\w-]+\.md)\)/g)].map(([, name]) => name);
  expect(named.toSorted()).toEqual(guides);
});

test("each has code and a test of its own, and no file has two homes", () => {
  for (const guide of guides) {
    expect([guide, filesOf(guide).size > 0]).toEqual([guide, true]);
    // That of operations needs programs that are no packages, so it is not run with the others.
    const ending = guide === "operations.md" ? ".ts" : ".test.ts";
    const ownTest = join(import.meta.dir, guide.replace(".md", ending));
    expect([guide, existsSync(ownTest)]).toEqual([guide, true]);
  }
  const names = guides.flatMap((guide) => [...filesOf(guide).keys()]);
  expect(names.toSorted()).toEqual([...new Set(names)].sort());
});

test("the code has types, under every strict rule", async () => {
  const compilerOptions = {
    target: "ESNext",
    module: "Preserve",
    moduleResolution: "bundler",
    moduleDetection: "force",
    lib: ["ESNext", "DOM"],
    types: [],
    strict: true,
    noUncheckedIndexedAccess: true,
    noUnusedLocals: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
    noEmit: true,
  };
  const config = join(opened.folder(), "tsconfig.json");
  writeFileSync(config, JSON.stringify({ compilerOptions, include: ["*.ts"] }));
  const tsc = Bun.spawn([process.execPath, "x", "tsc", "-p", config], {
    cwd: join(GUIDES, "..", ".."),
    stdout: "pipe",
    stderr: "pipe",
  });
  expect(await tsc.stdout.text()).toBe("");
  expect(await tsc.exited).toBe(0);
});

test("the example of the web page prints what it says", async () => {
  const served = await serve();
  const page = openPage(served.url);
  const print = spyOn(console, "log").mockImplementation(() => {});
  try {
    const email = "ada@lovelace.example";
    const json = { email, password: PASSWORD, tenant: { name: "Lovelace", slug: "lovelace" } };
    await served.app.call("POST /v1/auth/register", { json });
    await page.load("example.ts");
    const printed = print.mock.calls.map(([value]) => String(value));
    const code = filesOf("web-page.md").get("example.ts") ?? "";
    const said = [...code.matchAll(/^console\.log\(.+\); \/\/ (.+)$/gm)].map(([, text]) => text);
    expect(printed).toEqual(said as string[]);
    expect(said).toHaveLength(2);
  } finally {
    print.mockRestore();
    page.close();
    await served.stop();
  }
});
