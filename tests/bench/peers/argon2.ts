/** argon2 alone: `verify` of one hash as often as the cores can, with nothing around it. Takes and answers JSON, as load does. */
import { availableParallelism } from "node:os";
import { verify } from "@node-rs/argon2";
import { percentile } from "../arithmetic.ts";
import type { Load } from "../load/plan.ts";
import { machineMicros } from "../load/proc.ts";

export type HashPlan = { hash: string; password: string; warmUpSeconds: number; seconds: number };

const { hash, password, warmUpSeconds, seconds }: HashPlan = await Bun.stdin.json();
let millis: number[] = [];
const until = performance.now() + (warmUpSeconds + seconds) * 1000;
const working = Promise.all(Array.from({ length: availableParallelism() }, work));
await Bun.sleep(warmUpSeconds * 1000);
millis = [];
const began = snapshot();
await working;
const ended = snapshot();
const elapsed = (ended.at - began.at) / 1000;
const own = ended.own - began.own;
const load: Load = {
  requests: millis.length,
  rate: millis.length / elapsed,
  p50Millis: percentile(millis, 0.5),
  p99Millis: percentile(millis, 0.99),
  cpuMicros: { server: own / millis.length, database: 0 },
  foreignShare: Math.max(0, ended.busy - began.busy - own) / (elapsed * 1e6 * ended.cores),
};
console.log(JSON.stringify(load));

async function work(): Promise<void> {
  while (performance.now() < until) {
    const start = performance.now();
    if (!(await verify(hash, password))) throw new Error("the hash is of another password");
    millis.push(performance.now() - start);
  }
}

function snapshot() {
  const { user, system } = process.cpuUsage();
  return { at: performance.now(), own: user + system, ...machineMicros() };
}
