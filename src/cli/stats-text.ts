/** The statistics as one screen or two. */
import type { Growth } from "../operations/stats/growth.ts";
import type { Finding, Use } from "../operations/stats/judge.ts";
import type { Stats } from "../operations/stats/read.ts";
import { duration, percent, size, sized, table } from "./table.ts";

type Shown = {
  stats: Stats;
  growth: Growth | null;
  use: Use;
  unused: Use["indexes"];
  findings: Finding[];
  /** DATABASE_POOL_SIZE. */
  poolSize: string;
};

/** Of tables and indexes: the whole is in --json. */
const SHOWN = 8;

export function printStats(shown: Shown): string {
  const sections = [
    headline(shown),
    findings(shown),
    tables(shown),
    indexes(shown),
    statements(shown),
    connections(shown),
    waits(shown),
    replication(shown),
  ];
  return sections.join("\n\n");
}

function headline({ stats: { database, at }, growth }: Shown): string {
  const { name, version, bytes, countedSince, hits, reads } = database;
  const cached = hits + reads > 0 ? `${percent(hits / (hits + reads))} of pages from memory, ` : "";
  const counted = `counted for ${age(countedSince, at)}`;
  const grown = growth
    ? `\n${growth.bytes >= 0 ? "Grown" : "Shrunk"} by ${size(Math.abs(growth.bytes))} in ${duration(growth.days * 86_400)}.`
    : "";
  return `${name} on PostgreSQL ${version}: ${size(bytes)}, ${cached}${database.deadlocks} deadlocks, ${counted}.${grown}`;
}

function findings({ findings: found }: Shown): string {
  if (found.length === 0) return "Nothing to look at.";
  return `To look at\n${found.map(({ what, advice }) => `  ${what}\n    → ${advice}`).join("\n")}`;
}

function tables({ stats, growth }: Shown): string {
  const grown = new Map(growth?.tables.map((each) => [each.name, each]));
  const head = [
    "table",
    "rows",
    "dead",
    "size",
    ...(growth ? ["grown"] : []),
    "from memory",
    "analyzed",
  ];
  const rows = stats.tables
    .slice(0, SHOWN)
    .map((each) => [
      each.parts > 1 ? `${each.name} (${each.parts} parts)` : each.name,
      each.rows,
      each.dead,
      sized(size(each.bytes)),
      ...(growth ? [sized(size(grown.get(each.name)?.bytes ?? 0))] : []),
      sized(each.hits + each.reads === 0 ? "–" : percent(each.hits / (each.hits + each.reads))),
      each.analyzed === null ? "never" : `${age(each.analyzed, stats.at)} ago`,
    ]);
  return `Tables, the largest ${rows.length} of ${stats.tables.length}\n${table(head, rows)}`;
}

function indexes({ stats, use, unused }: Shown): string {
  const since = age(use.since, stats.at);
  const used = use.indexes.toSorted((a, b) => b.scansSince - a.scansSince).slice(0, 5);
  const most = table(
    ["index", "scans", "size"],
    used.map((each) => [each.name, each.scansSince, sized(size(each.bytes))]),
  );
  const list = table(
    ["index", "of", "size"],
    unused.slice(0, SHOWN).map((each) => [each.name, each.table, sized(size(each.bytes))]),
  );
  const bytes = unused.reduce((sum, each) => sum + each.bytes, 0);
  const idle = `Not used in ${since}, and no rule: ${unused.length}, ${size(bytes)}`;
  return `Indexes used most in ${since}\n${most}\n${idle}${unused.length > 0 ? `\n${list}` : ""}`;
}

function statements({ stats: { statements: kept } }: Shown): string {
  if (!kept.kept) return `Statements\n  ${kept.why}`;
  const show = (list: typeof kept.slow) =>
    table(
      ["mean", "calls", "together", "statement"],
      list.map((each) => [
        sized(`${each.meanMillis.toFixed(1)} ms`),
        each.calls,
        sized(duration(each.totalSeconds)),
        each.query.slice(0, 80),
      ]),
    );
  const slow = kept.slow.length === 0 ? "  none above 100 ms on average" : show(kept.slow);
  return `Slow statements\n${slow}\nStatements that took most together\n${show(kept.busiest)}`;
}

function connections({ stats, poolSize }: Shown): string {
  const { used, most } = stats.server;
  const rows = stats.connections.map((each) => [
    ...[each.application, each.login],
    ...[each.total, each.active, each.idle, each.inTransaction],
  ]);
  const head = ["application", "login", "total", "active", "idle", "in transaction"];
  const all = `Connections: ${used} of ${most} of the server; an instance opens up to ${poolSize} as tenantry, and one to listen`;
  const seen = stats.database.seesAll
    ? ""
    : "\n  What others do is hidden from this login: GRANT pg_monitor TO …";
  return `${all}${seen}\n${rows.length > 0 ? table(head, rows) : "  no other than this one"}`;
}

function waits({ stats: { waits: found, transactions } }: Shown): string {
  const list = found.map(
    (each) =>
      `  ${each.waiting} waits ${duration(each.seconds)} for ${each.holding} (${each.holdingState})\n    waits with: ${each.waitsWith}\n    holds with: ${each.holdsWith}`,
  );
  const [oldest] = transactions;
  const age = oldest
    ? `${duration(oldest.seconds)}, process ${oldest.pid} of ${oldest.application} (${oldest.state})\n    ${oldest.query}`
    : "none is open";
  return `Who waits for whom\n${list.length > 0 ? list.join("\n") : "  nobody waits"}\nOldest transaction\n  ${age}`;
}

function replication({ stats: { replicas, slots } }: Shown): string {
  const list = replicas.map(
    ({ name, state, sync, bytes, seconds }) =>
      `  ${name}: ${[state, sync].filter(Boolean).join(", ")}, ${size(bytes ?? 0)} and ${duration(seconds ?? 0)} behind`,
  );
  const kept = slots.map(
    ({ name, active, bytes }) =>
      `  slot ${name}: ${active ? "in use" : "not in use"}, keeps ${size(bytes ?? 0)}`,
  );
  const all = [...list, ...kept];
  return `Replicas\n${all.length > 0 ? all.join("\n") : "  none"}`;
}

function age(from: string, to: string): string {
  return duration(Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000));
}
