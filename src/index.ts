/** The only file with effects: it reads the configuration, and serves, in one process or with several. */
import { resolve } from "node:path";
import type { Fault, Values } from "./config/rules.ts";
import { ConfigError, parseConfig } from "./config.ts";
import { faultOfTemplates } from "./mail/templates.ts";
import { faultOfPermissionsFile } from "./roles/permissions-file.ts";
import { StartFault } from "./start-fault.ts";

const DRAIN_SECONDS = 20;
/** How the supervisor starts a worker: with its number, and the port that all of them share. */
const WORKER = /^--worker=(\d+)$/;

// Before anything that takes time: as the first process of a container it would otherwise be deaf to signals.
let stop: () => unknown = () => process.exit(0);
const worker = process.argv.flatMap((word) => WORKER.exec(word)?.[1] ?? []).map(Number)[0] ?? null;
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop());
if (worker !== null) {
  // A terminal sends it to every process, and the supervisor tells when to end.
  process.removeAllListeners("SIGINT").on("SIGINT", () => {});
  // Without a supervisor nobody would ever tell.
  process.once("disconnect", () => stop());
}

const config = readConfig();
const end = await start().catch(fail);

stop = async () => {
  stop = () => {};
  const overdue = setTimeout(() => process.exit(1), DRAIN_SECONDS * 1000);
  const status = await end();
  clearTimeout(overdue);
  process.exit(status);
};

/** Answers what ends it, with the status to exit with. */
async function start(): Promise<() => Promise<number>> {
  // What the one needs the other has no use for, and its memory neither.
  if (config.workers > 1 && worker === null) {
    const { supervise } = await import("./supervise.ts");
    const command = [process.execPath, ...process.execArgv, import.meta.path];
    const supervisor = supervise(config, command, process.env);
    stop = async () => process.exit(await supervisor.end());
    const status = await supervisor.started;
    if (status !== null) process.exit(status);
    return supervisor.end;
  }
  const { serve } = await import("./serve.ts");
  const finish = await serve(config, worker);
  process.send?.("serving");
  return () => finish().then(() => 0);
}

function readConfig() {
  try {
    return parseConfig(process.env, faultsOfFiles);
  } catch (err) {
    return fail(err);
  }
}

/** Named with the variables, so that a start says everything at once. */
function faultsOfFiles({ MAIL_TEMPLATES, PERMISSIONS_FILE }: Values): Fault[] {
  const faults: [Fault[0], string | null][] = [
    ["MAIL_TEMPLATES", MAIL_TEMPLATES ? faultOfTemplates(resolve(MAIL_TEMPLATES)) : null],
    [
      "PERMISSIONS_FILE",
      PERMISSIONS_FILE ? faultOfPermissionsFile(resolve(PERMISSIONS_FILE)) : null,
    ],
  ];
  return faults.flatMap(([name, fault]) => (fault === null ? [] : [[name, fault] as const]));
}

/** One message and no stack: what goes wrong here is for the operator to mend. */
function fail(reason: unknown): never {
  const isForOperators = reason instanceof StartFault || reason instanceof ConfigError;
  console.error(isForOperators ? reason.message : reason);
  process.exit(1);
}
