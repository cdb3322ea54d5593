/** Looks at all that an instance needs, and changes none of it. */
import type pg from "pg";
import type { Values } from "../../config/rules.ts";
import { connectionFault } from "../../db/connection-fault.ts";
import { codeOf } from "../../db/failures.ts";
import { withClient } from "../connection.ts";
import { checkArchive, checkBackups } from "./archive.ts";
import { checkReplica, checkStore } from "./beside.ts";
import { checkServer, checkWay } from "./database.ts";
import { type Finding, wrong } from "./finding.ts";
import { checkKeys } from "./keys.ts";
import { checkBun, checkMetricsPort, checkPort } from "./machine.ts";
import { checkMail } from "./mail.ts";
import { checkDrift, checkMigrations } from "./schema.ts";
import { checkVariables, usableVariables } from "./variables.ts";

type Options = {
  env: NodeJS.ProcessEnv;
  /** Where db:backup writes to. */
  backups: string | undefined;
  progress(step: string): void;
};
const STEP_MILLIS = 15_000;

type Step = [name: string, look: () => Looked | Promise<Looked>];
type Looked = Finding | Iterable<Finding> | AsyncIterable<Finding>;

/** Each step looks by itself: one that fails is a finding, and keeps no other from its turn. */
export async function examine({ env, backups, progress }: Options): Promise<Finding[]> {
  const values = usableVariables(env);
  const machine: Step[] = [
    ["bun", () => checkBun(Bun.version)],
    ["configuration", () => checkVariables(env, values)],
    ["port", () => checkPort(values)],
    ["metrics", () => checkMetricsPort(values)],
    ["mail", () => checkMail(values)],
    ["store", () => checkStore(values)],
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
    ["replica", () => checkReplica(client, values)],
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
      await inTime(collect(run, findings));
    } catch (error) {
      const isForbidden = codeOf(error) === "42501" || /permission denied/.test(messageOf(error));
      findings.push(
        isForbidden
          ? wrong(
              name,
              "the login of DATABASE_URL may not look at it",
              "bun run db:roles gives it what it needs",
            )
          : wrong(name, messageOf(error), "it could not be looked at"),
      );
    }
  }
  return findings;
}

async function collect(run: Step[1], findings: Finding[]): Promise<void> {
  const looked = await run();
  if ("name" in looked) findings.push(looked);
  else for await (const finding of looked) findings.push(finding);
}

/** Whatever hangs on the way, or on another machine: everything else is still looked at. */
async function inTime(work: Promise<void>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const words = `no answer came within ${STEP_MILLIS / 1000} s`;
  const timer = setTimeout(() => reject(new Error(words)), STEP_MILLIS);
  await Promise.race([work, promise]).finally(() => clearTimeout(timer));
}

/** As PostgreSQL says it where that is a sentence, else in our words. */
function explain(error: unknown, url: string): string {
  return codeOf(error) === "28P01" ? messageOf(error) : connectionFault(error, url).words;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? (error.message.trim().split("\n").at(-1) ?? "") : String(error);
}
