/**
 * Two servers under load, and one thing after another goes wrong; in the end the database is held against what the clients
 * were told. It breaks nothing but what it has started itself.
 *   bun run chaos --minutes 10 --seed 1
 */
import { parseArgs } from "node:util";
import { createClient } from "./client.ts";
import { FAULTS, type Fault } from "./faults.ts";
import { createLedger, type Ledger } from "./ledger.ts";
import { createRandom, type Random } from "./random.ts";
import { createProbe, type Probe } from "./recovery.ts";
import { printReport, type Recovery } from "./report.ts";
import { verifyAudit, verifyRefreshes, verifyRows } from "./verify.ts";
import { verifyMails } from "./verify-mails.ts";
import { verifyReplica } from "./verify-replica.ts";
import { makeWorld, type World } from "./world.ts";

const HELP = `bun run chaos [--minutes 10 | --seconds 40] [--seed N] [--clients 12] [--port 4160] [--only WORD] [--keep]

  --only   faults alone whose name has this word
  --keep   leaves the logs of the servers

Exit: 0 all that was acknowledged is there, once; 1 something is not, and each such row was printed; 2 it cannot run.`;
/** Of which everything that is queued must have left: a killed server's mails are another's after two minutes. */
const MAILS_MILLIS = 300_000;
/** Below it there is no time to wait for mails: it is enough that they are still in the queue. */
const LONG_MILLIS = 300_000;
const BREATH_MILLIS = 1500;
const LATELY_MILLIS = 2000;

const values = readOptions(process.argv.slice(2));
if (values.help) {
  console.log(HELP);
  process.exit(0);
}
const millis = values.seconds
  ? Number(values.seconds) * 1000
  : Number(values.minutes ?? 10) * 60_000;
const seed = Number(values.seed);
const whole = [seed, Number(values.clients), Number(values.port)];
if (!(millis > 0) || !whole.every(Number.isInteger)) {
  console.error(HELP);
  process.exit(2);
}

const world = await makeWorld(Number(values.port)).catch((err) => {
  console.error(`It cannot run: ${err instanceof Error ? err.message : err}`);
  process.exit(2);
});
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => void world.close({ keepLogs: false }).then(() => process.exit(2)));
let status = 2;
try {
  status = await run(world, createLedger());
} finally {
  if (values.keep || status !== 0) console.log(`Logs of the servers: ${world.folder}`);
  await world.close({ keepLogs: values.keep || status !== 0 });
}
process.exit(status);

function readOptions(args: string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean", default: false } as const;
  try {
    return parseArgs({
      args,
      options: {
        minutes: text,
        seconds: text,
        seed: { ...text, default: String(Date.now() % 100_000) },
        clients: { ...text, default: "12" },
        port: { ...text, default: "4160" },
        only: { ...text, default: "" },
        keep: flag,
        help: flag,
      },
    }).values;
  } catch (err) {
    console.error(`${err instanceof Error ? err.message : err}\n\n${HELP}`);
    process.exit(2);
  }
}

async function run(world: World, ledger: Ledger): Promise<number> {
  console.log(`seed ${seed}, ${millis / 1000} s, ${values.clients} clients`);
  const probe = await createProbe(world);
  const clients = await Promise.all(
    Array.from({ length: Number(values.clients) }, (_, n) =>
      createClient(world, ledger, seed * 1000 + n, `t${n}`),
    ),
  );
  const until = Date.now() + millis;
  const working = Promise.all(clients.map((client) => client.work(until)));
  const recoveries = await breakThings(world, ledger, probe, createRandom(seed), until);
  await working;

  console.log("The load has ended; the ledger is held against the database.");
  const mails = await verifyMails(world, ledger, millis >= LONG_MILLIS ? MAILS_MILLIS : 0);
  const breaches = [
    ...ledger.breaches,
    ...world.instances.flatMap(({ deaths }) => deaths),
    ...(await verifyRows(world, ledger)),
    ...mails.breaches,
    ...(await verifyRefreshes(world, ledger)),
    ...(await verifyReplica(world, ledger)),
    ...(await verifyAudit(world)),
  ];
  printReport({ ledger, mails, recoveries, breaches });
  return breaches.length === 0 ? 0 : 1;
}

/** Every kind once, in an order by chance, and so on until it is time. */
async function breakThings(
  world: World,
  ledger: Ledger,
  probe: Probe,
  random: Random,
  until: number,
): Promise<Recovery[]> {
  const possible = FAULTS.filter(
    ({ name, isPossible }) => name.includes(values.only) && (isPossible?.(world) ?? true),
  );
  const left = FAULTS.filter(({ isPossible }) => isPossible && !isPossible(world));
  if (left.length > 0)
    console.log(`Not possible here: ${left.map(({ name }) => name).join(", ")}.`);
  const recoveries: Recovery[] = [];
  let next: Fault[] = [];
  while (Date.now() < until) {
    if (next.length === 0) next = random.shuffled(possible);
    const fault = next.pop();
    if (!fault) break;
    const { name, seconds = 0 } = fault;
    const isRead = await readLately(world);
    const begun = Date.now();
    await fault.begin(world, random);
    if (seconds > 0) await Bun.sleep((seconds * 1000) / 3 + random.below((seconds * 2000) / 3));
    await fault.end?.(world);
    const lasted = Date.now() - begun;
    const recovered = await probe.untilServed();
    if (recovered === null) {
      ledger.breaches.push(`after "${name}" the servers do not serve again`);
      break;
    }
    recoveries.push({ name, lasted, recovered, isRead });
    console.log(
      `${new Date().toISOString()} ${name}: ${(lasted / 1000).toFixed(1)} s, well again ${(recovered / 1000).toFixed(1)} s after it`,
    );
    await Bun.sleep(BREATH_MILLIS + random.below(BREATH_MILLIS));
  }
  return recoveries;
}

/** Whether the replica answers as yet: what went wrong before may have left it behind. */
async function readLately({ replica }: World): Promise<boolean> {
  const last = await replica.lastRead().catch(() => null);
  return last !== null && Date.now() - last < LATELY_MILLIS;
}
