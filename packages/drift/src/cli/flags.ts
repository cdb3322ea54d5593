/** The command line and the environment, as options of the check. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Options } from "../commands/options.ts";
import { DriftError, messageOf } from "../model/errors.ts";
import { severities } from "../model/severity.ts";
import type { PrismaConfig } from "../prisma/config.ts";
import { externalKeys, NO_EXTERNALS } from "../prisma/externals.ts";
import { formatNames } from "../report/formats.ts";
import { defaultsOf, present, SQL_FOLDER, schemaOf } from "./defaults.ts";

export const commands = [
  "drift",
  "parity",
  "snapshot",
  "allow",
  "repair",
  "migrate",
  "init",
] as const;

export type Flags = {
  command: (typeof commands)[number];
  help: boolean;
  format: (typeof formatNames)[number];
  output: string | null;
  quiet: boolean;
  /** `snapshot --check`. */
  check: boolean;
  /** Of `allow`. */
  key: string;
  until: string;
  reason: string;
  /** The folder of hand-written SQL, also where there is none yet. */
  sqlFolder: string;
  /** Where a format shows what no file declares. */
  schemaFile: string;
  /** Of `repair`. */
  apply: boolean;
  allowDestructive: boolean;
  /** Of `migrate`. */
  name: string;
  firstMigrations: string;
  strictNames: boolean;
  yes: boolean;
  allowDangerous: boolean;
  options: Omit<Options, "signal">;
};

/** Options that only some commands have: to pass over one in silence would be to promise what is not done. */
const OWNED = [
  ["snapshot", ["drift", "repair"]],
  ["check", ["snapshot"]],
  ["no-repair", ["drift"]],
  ["until", ["allow"]],
  ["reason", ["allow"]],
  ["apply", ["repair"]],
  ["allow-destructive", ["repair"]],
  ["name", ["migrate"]],
  ["yes", ["migrate"]],
  ["allow-dangerous", ["migrate"]],
] as const satisfies [string, Flags["command"][]][];

/** Throws a DriftError for what it cannot understand. @param config what the project's prisma.config.ts says. */
export function parseFlags(
  args: string[],
  env: Record<string, string | undefined>,
  config: PrismaConfig | null = null,
): Flags {
  const { values, positionals } = parse(args);
  const [name = "drift", ...rest] = positionals;
  const command = commands.find((known) => known === name);
  // Not repeated in the message: a URL without its option would show its password.
  if (!command || rest.length > (command === "allow" ? 1 : 0))
    throw misuse(
      `There is an argument that is no command and belongs to no option. The commands are ${commands.join(", ")}.`,
    );
  for (const [option, owners] of OWNED) {
    const isOwn = owners.some((owner) => owner === command);
    if (values[option] && !isOwn)
      throw misuse(`--${option} is an option of ${owners.join(" and ")}, not of ${command}.`);
  }

  const isSql = values.format === "sql"; // The same as `repair` prints: it takes a trial, not only a comparison.
  const { databaseUrl, schema, schemaFile, migrations, firstMigrations, schemas } = defaultsOf(
    values,
    env,
    config,
  );
  const shadowUrl = values["shadow-url"] ?? null;
  const namelessSchema = schemaOf(databaseUrl ?? shadowUrl);
  const isShown = values.format !== "github" && (!values.quiet || values.output !== undefined);
  const beside = join(values.sql ?? SQL_FOLDER, "drift.");
  return {
    command: isSql && command === "drift" ? "repair" : command,
    help: values.help,
    format: isSql ? "text" : oneOf(formatNames, values.format, "format", ["sql"]),
    output: values.output ?? null,
    quiet: values.quiet,
    check: values.check,
    key: rest[0] ?? "",
    until: values.until,
    reason: values.reason,
    sqlFolder: values.sql ?? SQL_FOLDER,
    schemaFile,
    apply: values.apply,
    allowDestructive: values["allow-destructive"],
    name: values.name,
    firstMigrations,
    strictNames: values["strict-names"],
    yes: values.yes,
    allowDangerous: values["allow-dangerous"],
    options: {
      databaseUrl,
      shadowUrl,
      schema,
      migrations,
      sql:
        command === "init"
          ? present(values.sql ?? SQL_FOLDER)
          : (values.sql ?? present(SQL_FOLDER)),
      schemas: schemasOf(values.schemas, schemas, namelessSchema),
      defaultSchema: namelessSchema,
      owners: values.owners && !values["no-owner"],
      grants: !values["no-grants"],
      useSnapshot: values.snapshot,
      snapshotFile: values["snapshot-file"] ?? `${beside}snapshot.json`,
      ignoreFile: values["ignore-file"] ?? present(`${beside}ignore`),
      allowFile: values["allow-file"] ?? present(`${beside}allow`),
      rolesFile: values["roles-file"] ?? present(`${beside}roles.json`),
      ignore: values.ignore,
      externals: config?.externals ?? NO_EXTERNALS,
      external: externalKeys(config?.externals ?? NO_EXTERNALS, namelessSchema || "public"),
      strict: values.strict,
      failOn: oneOf(severities, values["fail-on"], "severity"),
      repair: isShown && !values["no-repair"],
    },
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        "database-url": { type: "string" },
        "database-url-file": { type: "string" },
        "shadow-url": { type: "string" },
        schema: { type: "string" },
        migrations: { type: "string" },
        sql: { type: "string" },
        schemas: { type: "string" },
        owners: { type: "boolean", default: false },
        "no-owner": { type: "boolean", default: false },
        "no-grants": { type: "boolean", default: false },
        ignore: { type: "string", multiple: true, default: [] },
        "ignore-file": { type: "string" },
        "allow-file": { type: "string" },
        "roles-file": { type: "string" },
        "snapshot-file": { type: "string" },
        snapshot: { type: "boolean", default: false },
        check: { type: "boolean", default: false },
        strict: { type: "boolean", default: false },
        "no-repair": { type: "boolean", default: false },
        "fail-on": { type: "string", default: "minor" },
        format: { type: "string", default: "text" },
        output: { type: "string" },
        quiet: { type: "boolean", default: false },
        until: { type: "string", default: "" },
        reason: { type: "string", default: "" },
        apply: { type: "boolean", default: false },
        "allow-destructive": { type: "boolean", default: false },
        name: { type: "string", default: "" },
        "strict-names": { type: "boolean", default: false },
        yes: { type: "boolean", default: false },
        "allow-dangerous": { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    throw misuse(messageOf(error));
  }
}

function misuse(message: string): DriftError {
  return new DriftError(`${message}\nSee --help for the options.`);
}

/** Those that are named, else those that the Prisma schema lists, else the one in the URL, else public. */
function schemasOf(named: string | undefined, listed: string[], inUrl: string | null): string[] {
  if (named === undefined) return listed.length > 0 ? listed : [inUrl || "public"];
  const found = named
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  if (found.length === 0)
    throw new DriftError("--schemas names no schema. Give it as --schemas public,auth.");
  return found;
}

/** @param beside names that are known as well, and stand for something else. */
function oneOf<T extends string>(
  known: readonly T[],
  name: string,
  noun: string,
  beside: string[] = [],
): T {
  const found = known.find((one) => one === name);
  if (found) return found;
  const all = [...known, ...beside];
  throw new DriftError(
    `There is no ${noun} "${name}". Choose ${all.slice(0, -1).join(", ")} or ${all.at(-1)}.`,
  );
}
