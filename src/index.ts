/** The only file with effects: it reads the configuration, and serves, in one process or with several. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Fault, Values } from "./config/rules.ts";
import { ConfigError, parseConfig } from "./config.ts";
import type { Ending } from "./ending.ts";
import { faultOfTemplates } from "./mail/templates.ts";
import { faultOfPermissionsFile } from "./roles/permissions-file.ts";
import { StartFault } from "./start-fault.ts";

/** How the supervisor starts a worker: with its number, and the port that all of them share. */
const WORKER = /^--worker=(\d+)$/;

/** For people who start it. What libraries say on the console goes to the log (library-words.ts). */
const complain = console.error;
let ending: Ending | null = null;
let asked = 0;
let askedAt = 0;
/** Signals so close together are one: a supervisor of systems sends it to a process and to whoever passes it on to it. */
const ONE_SIGNAL_MILLIS = 200;
const worker = process.argv.flatMap((word) => WORKER.exec(word)?.[1] ?? []).map(Number)[0] ?? null;
// Before anything that takes time: as the first process of a container it would otherwise be deaf to signals.
if (worker === null) {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, stop);
  // Its terminal is gone, or a manager sends it for a change of the configuration, which is read at the start: a restart is
  // right for both. Some send it together with SIGTERM, so it is no sign of a hurry.
  if (!ignoresHangUp()) process.on("SIGHUP", stopOnce);
} else {
  // A terminal sends these to every process, and the supervisor tells when to end.
  for (const signal of ["SIGINT", "SIGHUP"] as const) process.on(signal, () => {});
  // Some send this one to every process too: a second one is no sign of a hurry, and the supervisor tells of that.
  process.on("SIGTERM", stopOnce);
  process.on("message", (message) => message === "hurry" && ending?.hurry());
  // Without a supervisor nobody would ever tell.
  process.once("disconnect", stopOnce);
}

const config = readConfig();
await start().catch(fail);

/** The first time in good order, the second time without waiting for balancers, the third time at once. */
function stop(): void {
  const now = performance.now();
  if (asked > 0 && now - askedAt < ONE_SIGNAL_MILLIS) return;
  askedAt = now;
  asked += 1;
  if (ending === null) process.exit(0);
  if (asked === 1) void ending.end().then((status) => process.exit(status));
  if (asked === 2) ending.hurry();
  if (asked < 3) return;
  ending.kill?.();
  process.exit(1);
}

function stopOnce(): void {
  if (asked === 0) stop();
}

/** As nohup has set it: a handler of ours would undo that. */
function ignoresHangUp(): boolean {
  try {
    const status = readFileSync("/proc/self/status", "utf8");
    const [, ignored = "0"] = /^SigIgn:\s*[\da-f]*([\da-f])$/m.exec(status) ?? [];
    // The lowest bit is signal 1.
    return Number.parseInt(ignored, 16) % 2 === 1;
  } catch {
    return false;
  }
}

async function start(): Promise<void> {
  // What the one needs the other has no use for, and its memory neither.
  if (config.workers > 1 && worker === null) {
    const { supervise } = await import("./supervise.ts");
    const command = [process.execPath, ...process.execArgv, import.meta.path];
    const supervisor = supervise(config, command, process.env);
    ending = supervisor;
    const status = await supervisor.started;
    if (status !== null) process.exit(status);
    return;
  }
  const { serve } = await import("./serve.ts");
  const served = await serve(config, worker);
  ending = served;
  await served.started;
  process.send?.("serving");
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
  complain(isForOperators ? reason.message : reason);
  process.exit(1);
}
