#!/usr/bin/env bun
/** `bun run db:performance`: whether the database is as quick as it was promised, and by which plans. */
import { parseToolConfig } from "../config.ts";
import { CannotRun } from "../operations/cannot-run.ts";
import { type Measured, measure, type Performance } from "../operations/performance/performance.ts";
import { runCommand } from "./command.ts";
import { count, sized, table } from "./table.ts";

const usage = `Runs what people wait for, by the product's own functions and in the name of the largest tenant, and holds the times and
plans against what is promised at 100,000 users. What it writes it takes back.

Usage: bun run db:performance, with the environment of the server: as its own login, whom row-level security holds

  --tenant SLUG   another tenant than the largest
  --runs N        how often each is run; 21 unless said
  --plans         every plan, as EXPLAIN (ANALYZE, BUFFERS) prints it
  --json
  --help

Exit codes: 0 all is as promised, 1 a time is missed, a plan reads a large table from end to end, or a connection fails,
2 cannot run.
`;

const PROMISED_USERS = 100_000;

process.exit(
  await runCommand({
    usage,
    flags: {
      tenant: { type: "string" },
      runs: { type: "string", default: "21" },
      plans: { type: "boolean", default: false },
    },
    async run({ values: { tenant = null, runs, plans }, io }) {
      if (!/^[1-9]\d{0,3}$/.test(runs ?? ""))
        throw new CannotRun("--runs is a number from 1 to 9999.");
      const config = parseToolConfig(io.env);
      const result = await measure(config, { tenant, runs: Number(runs), progress: io.progress });
      const { measured, atOnce } = result;
      return {
        found: atOnce.failed > 0 || measured.some(({ right }) => !right),
        json: result,
        text: print(result, plans === true),
      };
    },
  }),
);

function print({ sample, measured, atOnce }: Performance, withPlans: boolean): string {
  const { slug, users, allUsers, auditRows } = sample;
  const few =
    allUsers < PROMISED_USERS * 0.9
      ? `\nThe times are promised for ${count(PROMISED_USERS)} users: here are fewer.`
      : "";
  const rows = measured.map(({ right, what, median, slowest, within }) => [
    right ? "ok" : "MISSED",
    what,
    ...[median, slowest].map((millis) => sized(`${millis.toFixed(1)} ms`)),
    sized(`< ${within} ms`),
  ]);
  const failed = atOnce.failed > 0 ? `, ${atOnce.failed} FAILED` : "";
  return [
    `The tenant ${slug} with ${count(users)} users, of ${count(allUsers)}, and about ${count(auditRows)} audit rows.${few}`,
    table(["", "what", "median", "slowest", "promised"], rows),
    `  ${atOnce.connections} connections at once: ${atOnce.answers} answers in ${Math.round(atOnce.millis)} ms${failed}`,
    "",
    ...measured.flatMap((each) => plansOf(each, withPlans)),
  ].join("\n");
}

function plansOf({ what, scans, readWhole, plans }: Measured, whole: boolean): string[] {
  const fault = readWhole.map((name) => `    READS ALL OF ${name}`);
  if (whole) return [what, ...fault, ...plans.map((plan) => plan.replace(/^/gm, "    ")), ""];
  return [what, ...fault, ...scans.map((scan) => `    ${scan}`)];
}
