/**
 * The code of docs/guides, run as it stands there.
 *
 * A fenced block that begins with "```ts file=client.ts" is the file client.ts, and so in any other language. `openGuides`
 * writes the files of all guides into one folder, where they import each other, and puts the address of a running server in
 * the place of https://id.example.com. Nothing else is changed.
 */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "..", "..");
const GUIDES = join(ROOT, "docs", "guides");
const EXAMPLE = "https://id.example.com";
const BLOCK = /^```\w+ file=(\S+)\n([\s\S]+?)^```$/gm;

export type Guides = {
  /** The folder that holds the newest files. */
  folder(): string;
  /** Imports one of them. Modules that were imported before keep what they know. */
  load<Module>(file: string): Promise<Module>;
  /** As a page that is loaded again: the next import finds modules that know nothing. */
  reload(): void;
  remove(): void;
};

// biome-ignore lint/suspicious/noExplicitAny: a test names the fields that it expects, and fails when they are not there
export type Answers = Promise<any>;
export type Reply = Pick<Response, "status" | "ok" | "headers"> & { json(): Answers };

/** client.ts of the guide to web pages, which the others build on. */
export type Client = {
  post(path: string, input?: object): Answers;
  call(method: string, path: string, body?: object): Promise<Reply>;
  logOut(): Promise<void>;
};

/** The names of all guides, README.md among them. */
export function guideNames(): string[] {
  return readdirSync(GUIDES).sort();
}

export function readGuide(name: string): string {
  return readFileSync(join(GUIDES, name), "utf8");
}

/** What each file of a guide holds, by its name. */
export function filesOf(guide: string): Map<string, string> {
  return new Map(
    [...readGuide(guide).matchAll(BLOCK)].map(([, file = "", code = ""]) => [file, code]),
  );
}

/** @param tenantry the origin of a running server. */
export function openGuides(tenantry: string): Guides {
  const home = mkdtempSync(join(tmpdir(), "tenantry-guides-"));
  // What they import by name.
  symlinkSync(join(ROOT, "node_modules"), join(home, "node_modules"));
  let loads = 0;
  const folder = () => join(home, String(loads));

  function write(): void {
    mkdirSync(folder());
    for (const guide of guideNames())
      for (const [file, code] of filesOf(guide))
        writeFileSync(join(folder(), file), code.replaceAll(EXAMPLE, tenantry));
  }
  write();
  return {
    folder,
    load: (file) => import(join(folder(), file)),
    reload() {
      loads += 1;
      write();
    },
    remove: () => rmSync(home, { recursive: true }),
  };
}
