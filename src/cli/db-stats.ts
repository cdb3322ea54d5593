#!/usr/bin/env bun
/** `bun run db:stats`: what PostgreSQL knows of itself, and what of it is worth a look. */
import { databaseUrlOf } from "../operations/connection.ts";
import { growthSince, readEarlier } from "../operations/stats/growth.ts";
import { judge, unusedIndexes, useSince } from "../operations/stats/judge.ts";
import { readStats } from "../operations/stats/read.ts";
import { runCommand } from "./command.ts";
import { printStats } from "./stats-text.ts";

const usage = `Tables, indexes, statements, connections, locks and replicas, and what of it is worth a look. Nothing is written.

Usage: bun run db:stats, with DATABASE_URL as any login of the database (GRANT pg_monitor TO … shows it what others run)

  --since FILE   what --json printed earlier: growth, and the use of indexes since then
  --json         for programs, and to be kept for --since: bun run --silent db:stats --json > stats-2026-01-31.json
  --help

Exit codes: 0 nothing to look at, 1 something, 2 cannot run.
`;

process.exit(
  await runCommand({
    usage,
    flags: { since: { type: "string" } },
    async run({ values: { since }, io }) {
      const url = databaseUrlOf(io.env);
      const earlier = since === undefined ? null : await readEarlier(since);
      const stats = await readStats(url, io.progress);
      const growth = earlier && growthSince(stats, earlier);
      const use = useSince(stats, earlier);
      const findings = judge(stats, use);
      const unused = unusedIndexes(use);
      return {
        found: findings.length > 0,
        json: {
          findings,
          ...stats,
          ...(growth && { growth }),
          unusedIndexes: { since: use.since, indexes: unused.map(({ name }) => name) },
        },
        text: printStats({
          stats,
          growth,
          use,
          unused,
          findings,
          poolSize: io.env.DATABASE_POOL_SIZE || "10",
        }),
      };
    },
  }),
);
