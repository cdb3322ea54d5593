/**
 * Counters and histograms in memory, and the text that Prometheus reads (exposition format 0.0.4). Of our own: prom-client
 * 15.1.3 took 350 to 500 ns to observe a request where this takes 10 to 40, and 17 MiB of memory.
 */

/** One name, and what it tells. The values of its labels come from the code alone: never from a request or a tenant. */
export type Family = {
  name: string;
  type: "counter" | "gauge" | "histogram";
  help: string;
  labels: readonly string[];
};

export type LabelValue = string | number;

export type Counter<Values extends readonly LabelValue[]> = {
  add(...values: Values): void;
};

export type Histogram<Values extends readonly LabelValue[]> = {
  /** @param seconds how long it took. */
  observe(seconds: number, ...values: Values): void;
};

/** What a gauge shows at one moment, in the order of its family's labels. */
export type Reading = { labels: readonly LabelValue[]; value: number };

/** Upper bounds in seconds, of what takes a millisecond in the database up to what makes a caller give up. */
export const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

type Distribution = { buckets: Float64Array; sum: number };

/** @param known labels that are shown from the start, as 0: what appears with its first event has not grown by it. */
export function createCounter<Values extends readonly LabelValue[]>(
  family: Family,
  known: readonly Values[] = [],
) {
  const counts = createTable(() => ({ count: 0 }));
  for (const values of known) counts.of(values);
  return {
    add(...values: Values): void {
      counts.of(values).count += 1;
    },
    lines: () =>
      linesOf(
        family,
        counts.all().map(({ labels, series }) => ({ labels, value: series.count })),
      ),
  };
}

export function createHistogram<Values extends readonly LabelValue[]>(family: Family) {
  const distributions = createTable<Distribution>(() => ({
    buckets: new Float64Array(BUCKETS.length + 1),
    sum: 0,
  }));
  return {
    observe(seconds: number, ...values: Values): void {
      const series = distributions.of(values);
      let bucket = 0;
      while (seconds > (BUCKETS[bucket] ?? Infinity)) bucket += 1;
      series.buckets[bucket] = (series.buckets[bucket] ?? 0) + 1;
      series.sum += seconds;
    },
    lines: () => [
      ...headOf(family),
      ...distributions
        .all()
        .flatMap(({ labels, series }) => histogramLines(family, labels, series)),
    ],
  };
}

/** Nothing where there are no readings: what is not known is left out, and not shown as 0. */
export function linesOf(family: Family, readings: readonly Reading[]): string[] {
  if (readings.length === 0) return [];
  return [
    ...headOf(family),
    ...readings.map(
      ({ labels, value }) => `${family.name}${labelsOf(family.labels, labels)} ${value}`,
    ),
  ];
}

function histogramLines(
  { name, labels: names }: Family,
  values: readonly LabelValue[],
  { buckets, sum }: Distribution,
): string[] {
  let count = 0;
  const lines = Array.from(buckets, (inBucket, index) => {
    count += inBucket;
    const le = BUCKETS[index] ?? "+Inf";
    return `${name}_bucket${labelsOf([...names, "le"], [...values, le])} ${count}`;
  });
  const labels = labelsOf(names, values);
  return [...lines, `${name}_sum${labels} ${sum}`, `${name}_count${labels} ${count}`];
}

function headOf({ name, type, help }: Family): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
}

function labelsOf(names: readonly string[], values: readonly LabelValue[]): string {
  if (names.length === 0) return "";
  return `{${names.map((name, index) => `${name}="${escaped(values[index] ?? "")}"`).join(",")}}`;
}

function escaped(value: LabelValue): string {
  return String(value).replace(/[\\"\n]/g, (sign) => (sign === "\n" ? "\\n" : `\\${sign}`));
}

/** Series by the values of their labels. One map in another: to make one key of the values costs more than to look twice. */
function createTable<Series>(make: () => Series) {
  type Node = Map<LabelValue, Node> & { series?: Series };
  const root: Node = new Map();
  const all: { labels: readonly LabelValue[]; series: Series }[] = [];
  return {
    of(values: readonly LabelValue[]): Series {
      let node = root;
      for (const value of values) {
        let next = node.get(value);
        if (!next) {
          next = new Map();
          node.set(value, next);
        }
        node = next;
      }
      if (!node.series) {
        node.series = make();
        all.push({ labels: [...values], series: node.series });
      }
      return node.series;
    },
    all: () => all,
  };
}
