/** Sends load: `bun process.ts` reads a plan from its standard input and prints what came of it, both as JSON. */
import { percentile } from "../arithmetic.ts";
import { type Connection, connect } from "./connection.ts";
import type { Load, Plan } from "./plan.ts";
import { cpuMicrosOf, machineMicros } from "./proc.ts";
import { nextRefresh, toRequest } from "./requests.ts";

const SHOWN_FAULTS = 3;

const plan: Plan = await Bun.stdin.json();
const { port, calls, status, processes, pauseMillis = 0 } = plan;
const requests = plan.followRefreshToken ? [] : calls.map((call) => toRequest(port, call));
const connections = await Promise.all(
  Array.from({ length: plan.connections }, () => connect(port)),
);

let next = 0;
let millis: number[] = [];
let isOver = false;
const faults = new Map<string, number>();

const begin = snapshot();
const sent = Promise.all(connections.map(work));
// Counting starts anew once all is warm.
const started = plan.warmUpSeconds > 0 ? await warmedUp() : begin;
await Promise.race([sent, Bun.sleep(plan.seconds * 1000)]);
const ended = snapshot();
const counted = millis;
isOver = true;
await sent;
for (const connection of connections) connection.close();
if (faults.size > 0) {
  console.error(
    [...faults]
      .slice(0, SHOWN_FAULTS)
      .map(([fault, times]) => `${times} times ${fault}`)
      .join("\n"),
  );
  process.exit(1);
}
console.log(JSON.stringify(toLoad()));
process.exit(0);

async function warmedUp() {
  await Promise.race([sent, Bun.sleep(plan.warmUpSeconds * 1000)]);
  millis = [];
  return snapshot();
}

async function work(connection: Connection, index: number): Promise<void> {
  const own = calls[index % calls.length];
  let request = own && plan.followRefreshToken ? toRequest(port, own) : undefined;
  while (!isOver) {
    if (plan.once && next >= requests.length) return;
    const text = request ?? requests[next++ % requests.length] ?? "";
    const start = performance.now();
    try {
      const answer = await connection.send(text);
      millis.push(performance.now() - start);
      if (answer.status !== status)
        note(`${answer.status} ${answer.body.toString().slice(0, 300)}`);
      else if (own && plan.followRefreshToken) request = nextRefresh(port, own, answer.body);
    } catch (err) {
      note(String(err));
      return;
    }
    if (pauseMillis > 0) await Bun.sleep(pauseMillis);
  }
}

/** One fault is enough to know that nothing here is to be trusted. */
function note(fault: string): void {
  faults.set(fault, (faults.get(fault) ?? 0) + 1);
  isOver = true;
}

function snapshot() {
  const { user, system } = process.cpuUsage();
  return {
    at: performance.now(),
    own: user + system,
    machine: machineMicros(),
    each: Object.entries(processes).map(([name, pid]) => [name, cpuMicrosOf(pid)] as const),
  };
}

function toLoad(): Load {
  const seconds = (ended.at - started.at) / 1000;
  const before = new Map(started.each);
  const used = ended.each.map(
    ([name, micros]) => [name, micros - (before.get(name) ?? 0)] as const,
  );
  const known = used.reduce((sum, [, micros]) => sum + micros, ended.own - started.own);
  const { busy, cores } = ended.machine;
  return {
    requests: counted.length,
    rate: counted.length / seconds,
    p50Millis: percentile(counted, 0.5),
    p99Millis: percentile(counted, 0.99),
    cpuMicros: Object.fromEntries(used.map(([name, micros]) => [name, micros / counted.length])),
    foreignShare: Math.max(0, busy - started.machine.busy - known) / (seconds * 1e6 * cores),
  };
}
