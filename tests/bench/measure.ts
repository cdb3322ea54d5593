/** Rows, and how they are measured: all sides of a row in turn, round after round. */
import { median, ratioOf, spread } from "./arithmetic.ts";
import type { Load } from "./load/plan.ts";
import { sendLoad } from "./load/run.ts";
import type { World } from "./world.ts";

/** Of one kind of request, who answers it. */
export type Side = {
  name: string;
  run(): Promise<Load & { meanwhileP99Millis?: number }>;
};

/** Something that is one number and no rate. */
export type Fact = { what: string; value: number; unit: string; goal?: string };

/** Ours to another side, and what it is meant to be at least. */
export type Wanted = { key: string; against: string; goal?: number };

export type Row = {
  key: string;
  title: string;
  /** Tenantry first. */
  sides?(world: World): Promise<Side[]>;
  ratios?: Wanted[];
  /** Beforehand: that both sides answer the same. @throws Error when they do not. */
  compare?(world: World): Promise<void>;
  facts?(world: World): Promise<Fact[]>;
  /** What has to be known to judge the numbers. */
  note?: string;
};

export type SideResult = {
  name: string;
  rates: number[];
  /** Medians of the rounds, as all that follows. */
  rate: number;
  p50Millis: number;
  p99Millis: number;
  serverMicros: number;
  databaseMicros: number;
  meanwhileP99Millis?: number;
};
export type Ratio = Wanted & { ratio: number };
export type RowResult = {
  key: string;
  title: string;
  sides: SideResult[];
  ratios: Ratio[];
  facts: Fact[];
  note?: string;
};

/** What the machine itself did meanwhile. */
export type Machine = { bareRates: number[]; foreignShares: number[] };

export async function measureRow(world: World, row: Row, machine: Machine): Promise<RowResult> {
  const { key, title, note } = row;
  await row.compare?.(world);
  const sides = row.sides ? await measureSides(world, await row.sides(world), machine) : [];
  const [ours] = sides;
  const ratios = (row.ratios ?? []).flatMap((wanted) => {
    const beside = sides.find(({ name }) => name === wanted.against);
    return ours && beside ? [{ ...wanted, ratio: ratioOf(ours.rates, beside.rates) }] : [];
  });
  const facts = (await row.facts?.(world)) ?? [];
  return { key, title, sides, ratios, facts, ...(note !== undefined && { note }) };
}

async function measureSides(world: World, sides: Side[], machine: Machine): Promise<SideResult[]> {
  const loads = new Map(sides.map(({ name }) => [name, [] as Awaited<ReturnType<Side["run"]>>[]]));
  for (let round = 0; round < world.options.rounds; round += 1) {
    machine.bareRates.push((await bareRoute(world, 0.4, 0.1)).rate);
    // Another one begins each time, so that none is always the one that comes after the heaviest.
    for (const at of sides.keys()) {
      const side = sides[(round + at) % sides.length];
      const load = await side?.run();
      if (!side || !load) continue;
      machine.foreignShares.push(load.foreignShare);
      loads.get(side.name)?.push(load);
    }
  }
  return [...loads].map(([name, rounds]) => summarise(name, rounds));
}

/** A route with nothing behind it. */
export async function bareRoute(
  world: World,
  seconds: number,
  warmUpSeconds: number,
): Promise<Load> {
  const { port, pid } = await world.bare();
  return sendLoad({
    ...{ port, seconds, warmUpSeconds, connections: world.options.connections, status: 200 },
    calls: [{ route: "GET /" }],
    processes: { server: pid, database: world.database.pid },
  });
}

export function summarise(name: string, rounds: Awaited<ReturnType<Side["run"]>>[]): SideResult {
  const rates = rounds.map(({ rate }) => rate);
  const meanwhile = rounds.flatMap(({ meanwhileP99Millis }) => meanwhileP99Millis ?? []);
  return {
    name,
    rates,
    rate: median(rates),
    p50Millis: median(rounds.map(({ p50Millis }) => p50Millis)),
    p99Millis: median(rounds.map(({ p99Millis }) => p99Millis)),
    serverMicros: median(rounds.map(({ cpuMicros }) => cpuMicros.server ?? 0)),
    databaseMicros: median(rounds.map(({ cpuMicros }) => cpuMicros.database ?? 0)),
    ...(meanwhile.length > 0 && { meanwhileP99Millis: median(meanwhile) }),
  };
}

export function spreadOf({ bareRates }: Machine): number {
  return spread(bareRates);
}
