/** What the jobs do, by hand: in the same small steps, and beside instances that run. */
import { dueMonths } from "../../audit/partitions.ts";
import type { Config } from "../../config.ts";
import type { Deps } from "../../context.ts";
import { inBackground } from "../../db/scope.ts";
import { createDeps } from "../../deps.ts";
import { describeError } from "../../log.ts";
import { CannotRun } from "../cannot-run.ts";
import { TASKS } from "./tasks.ts";

/** Of one statement, which may count or delete a great many rows. */
const TIMEOUT_SECONDS = 300;

export type Done = {
  task: string;
  what: string;
  count: number;
  seconds: number;
  failed: string | null;
};
export type Maintenance = {
  dryRun: boolean;
  tasks: Done[];
  /** What the tasks had to say. */
  warnings: string[];
  /** What nobody does but a person. */
  due: { months: string[]; command: string } | null;
};

type Options = {
  /** Names of tasks; all of them when none is named. */
  only: readonly string[];
  /** Counts, and changes nothing. */
  dryRun: boolean;
  progress(step: string): void;
};

/** One task that fails keeps no other from its turn. @throws CannotRun for a task that there is not. */
export async function maintain(
  config: Config,
  { only, dryRun, progress }: Options,
): Promise<Maintenance> {
  const unknown = only.filter((name) => !TASKS.has(name));
  if (unknown.length > 0)
    throw new CannotRun(
      `there is no task ${unknown.join(", ")}. There are: ${[...TASKS.keys()].join(", ")}.`,
    );
  const warnings: string[] = [];
  progress("connecting");
  return inBackground(() =>
    withDeps(config, warnings, async (deps) => {
      const tasks: Done[] = [];
      for (const [name, { what, count, run }] of TASKS) {
        if (only.length > 0 && !only.includes(name)) continue;
        progress(name);
        const start = performance.now();
        const work = dryRun
          ? count(deps)
          : run(deps, (done) => progress(`${name}: ${done.toLocaleString("en-US")}`));
        const [number, failed] = await work.then(
          (done) => [done, null] as const,
          (error) => [0, describeError(error)] as const,
        );
        const seconds = (performance.now() - start) / 1000;
        tasks.push({ task: name, what, count: number, seconds, failed });
      }
      return { dryRun, tasks, warnings, due: await dueMonths(deps) };
    }),
  );
}

async function withDeps<T>(
  config: Config,
  warnings: string[],
  work: (deps: Deps) => Promise<T>,
): Promise<T> {
  const { deps, close } = await createDeps({
    ...config,
    ...{ logLevel: "silent", schemaCheck: "off", databaseTimeoutSeconds: TIMEOUT_SECONDS },
  });
  try {
    return await work({
      ...deps,
      log(level, message, fields) {
        if (level === "warn" || level === "error")
          warnings.push(`${message}${fields ? ` ${JSON.stringify(fields)}` : ""}`);
      },
    });
  } finally {
    await close();
  }
}
