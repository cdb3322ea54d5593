#!/usr/bin/env bun
/** `bun run db:maintain`: what the jobs do, by hand. */
import { parseToolConfig } from "../config.ts";
import { type Maintenance, maintain } from "../operations/maintain/maintain.ts";
import { TASKS } from "../operations/maintain/tasks.ts";
import { runCommand } from "./command.ts";
import { duration, sized, table } from "./table.ts";

const usage = `What the jobs of an instance do every night and every few minutes, by hand: where JOBS=off everywhere, before a
backup, or after a long time without an instance. It works in the same small steps, and may run beside instances.

Usage: bun run db:maintain [task …], with the environment of the server

  task        one or several of: ${[...TASKS.keys()].slice(0, 6).join(", ")},
              ${[...TASKS.keys()].slice(6).join(", ")}; without one all of them
  --dry-run   counts what there is to do, and does none of it
  --json
  --help

Exit codes: 0 done, 1 a task failed, or months of the audit log are due for the archive, 2 cannot run.
`;

process.exit(
  await runCommand({
    usage,
    flags: { "dry-run": { type: "boolean", default: false } },
    words: true,
    async run({ values, words, io }) {
      const config = parseToolConfig(io.env);
      const options = { only: words, dryRun: values["dry-run"] === true, progress: io.progress };
      const done = await maintain(config, options);
      return {
        found: done.due !== null || done.tasks.some(({ failed }) => failed !== null),
        json: done,
        text: print(done),
      };
    },
  }),
);

function print({ dryRun, tasks, warnings, due }: Maintenance): string {
  const rows = tasks.map(({ task, count, seconds, what, failed }) => [
    task,
    count,
    sized(duration(seconds)),
    failed === null ? what : `FAILED: ${failed}`,
  ]);
  const head = ["task", dryRun ? "to do" : "done", "took", dryRun ? "what would be done" : "what"];
  return [
    table(head, rows),
    ...warnings.map((warning) => `warning: ${warning}`),
    ...(due ? [`Due for the archive: ${due.months.join(", ")}\n  → ${due.command}`] : []),
  ].join("\n");
}
