/** Looks at all that an instance needs, and changes none of it. */
import type pg from "pg";
import type { Values } from "../../config/rules.ts";
import { isUnavailable } from "../../db/failures.ts";
import { withClient } from "../connection.ts";
import { checkArchive, checkBackups } from "./archive.ts";
import { checkServer, checkWay } from "./database.ts";
import { type Finding, wrong } from "./finding.ts";
import { checkKeys } from "./keys.ts";
import { checkBun, checkPort } from "./machine.ts";
import { checkMail } from "./mail.ts";
import { checkDrift, checkMigrations } from "./schema.ts";
import { checkVariables, usableVariables } from "./variables.ts";

type Options = {
  env: NodeJS.ProcessEnv;
  /** Where db:backup writes to. */
  backups: string | undefined;
  progress(step: string): void;
};
type Step = [name: string, look: () => Looked | Promise<Looked>];
type Looked = Finding | Iterable<Finding> | AsyncIterable<Finding>;

/** Each step looks by itself: one that fails is a finding, and keeps no other from its turn. */
export async function examine({ env, backups, progress }: Options): Promise<Finding[]> {
  const values = usableVariables(env);
  const machine: Step[] = [
    ["bun", () => checkBun(Bun.version)],
    ["configuration", () => checkVariables(env, values)],
    ["port", () => checkPort(values)],
    ["mail", () => checkMail(values)],
  ];
  const found = await look(machine, progress);
  return [...found, ...(await examineDatabase(values, { env, backups, progress }))];
}

async function examineDatabase(
  values: Values,
  { env, backups, progress }: Options,
): Promise<Finding[]> {
  const { DATABASE_URL: url } = values;
  // Its fault is among those of the configuration.
  if (url === undefined) return [];
  try {
    progress("database");
    return await withClient(url, { name: "doctor", statementMillis: 10_000 }, async (client) => {
      await client.query("SET default_transaction_read_only = on");
      return look(stepsWith(client, url, values, { env, backups }), progress);
    });
  } catch (error) {
    return [
      wrong(
        "database",
        explain(error, url),
        "DATABASE_URL: host, port, database, user and password",
      ),
    ];
  }
}

function stepsWith(
  client: pg.Client,
  url: string,
  values: Values,
  { env, backups }: Pick<Options, "env" | "backups">,
): Step[] {
  return [
    ["database", () => checkServer(client, values)],
    ["statements", () => checkWay(values)],
    ["migrations", () => checkMigrations(client)],
    ["drift", () => checkDrift(url)],
    ["keys", () => checkKeys(values)],
    ["archive_mode", () => checkArchive(client)],
    ["backup", () => checkBackups(client, backups, env)],
  ];
}

async function look(steps: Step[], progress: Options["progress"]): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [name, run] of steps) {
    progress(name);
    try {
      const looked = await run();
      if ("name" in looked) findings.push(looked);
      else for await (const finding of looked) findings.push(finding);
    } catch (error) {
      findings.push(wrong(name, messageOf(error), "it could not be looked at"));
    }
  }
  return findings;
}

function explain(error: unknown, url: string): string {
  const { host } = new URL(url);
  return isUnavailable(error) ? `${host || "the socket"} does not answer` : messageOf(error);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? (error.message.trim().split("\n").at(-1) ?? "") : String(error);
}
