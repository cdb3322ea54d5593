/** What the datasource block of a Prisma schema says. Its few lines are read as text: Prisma's own reader needs an engine. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseEnv } from "node:util";
import { DriftError } from "../model/errors.ts";
import type { SchemaFile } from "./schema-file.ts";

export type Datasource = {
  /** The file that has the block, and the line of its provider. */
  path: string;
  line: number;
  provider: string;
  /** An address, or the name of a variable that has it. */
  url: Address | null;
  directUrl: Address | null;
  /** PostgreSQL's schemas; empty where none are listed. */
  schemas: string[];
};

type Address = { text: string } | { variable: string };
type Environment = Record<string, string | undefined>;

const OTHERS = new Map([
  ["mysql", "MySQL"],
  ["sqlite", "SQLite"],
  ["sqlserver", "SQL Server"],
  ["mongodb", "MongoDB"],
  ["cockroachdb", "CockroachDB"],
]);

/** Null where no file has the block: Prisma says so, and says it better. */
export function datasourceOf(files: SchemaFile[]): Datasource | null {
  for (const { path, content } of files) {
    const text = content.replace(/^\s*\/\/.*$/gm, "");
    const [block, body = ""] = /^[ \t]*datasource\s+\w+\s*\{([^}]*)\}/m.exec(text) ?? [];
    if (block === undefined) continue;
    const [, provider = ""] = /^\s*provider\s*=\s*\[?\s*"([^"]*)"/m.exec(body) ?? [];
    const [, list = ""] = /^\s*schemas\s*=\s*\[([^\]]*)\]/m.exec(body) ?? [];
    const before = text.slice(0, text.indexOf(block) + block.search(/provider/));
    return {
      path,
      line: before.split("\n").length,
      provider,
      url: addressOf(body, "url"),
      directUrl: addressOf(body, "directUrl"),
      schemas: [...list.matchAll(/"([^"]+)"/g)].map(([, name = ""]) => name),
    };
  }
  return null;
}

/** @throws DriftError for a project of another database. */
export function requirePostgres(files: SchemaFile[]): void {
  const datasource = datasourceOf(files);
  const other = OTHERS.get(datasource?.provider ?? "");
  if (!datasource || other === undefined) return;
  throw new DriftError(
    `${datasource.path}:${datasource.line}: the project's database is ${other}, and the drift check compares PostgreSQL alone.`,
  );
}

/** The address at which Prisma migrates: the direct one where a pooler stands before the database. */
export function urlOf({ directUrl, url }: Datasource, env: Environment): string | null {
  const resolve = (address: Address | null) =>
    address && ("text" in address ? address.text : env[address.variable]);
  return resolve(directUrl) || resolve(url) || null;
}

/** The environment with what Prisma 6 reads besides: `.env` here and beside the schema. What is set already stays. */
export function withDotenv(env: Environment, schema: string): Environment {
  const folders = [...new Set([".", dirname(schema), schema])];
  const files = folders.map((folder) => join(folder, ".env")).filter((file) => existsSync(file));
  const read = files.map((file) => parseEnv(readFileSync(file, "utf8")));
  const all: Environment = Object.assign({}, ...read.reverse(), env);
  for (const [name, value] of Object.entries(all))
    if (!(name in env))
      all[name] = value?.replace(/\$\{(\w+)\}/g, (whole, other) => all[other] ?? whole);
  return all;
}

function addressOf(body: string, name: string): Address | null {
  const pattern = new RegExp(`^\\s*${name}\\s*=\\s*(?:env\\(\\s*"([^"]*)"\\s*\\)|"([^"]*)")`, "m");
  const [, variable, text] = pattern.exec(body) ?? [];
  if (variable !== undefined) return { variable };
  return text === undefined ? null : { text };
}
