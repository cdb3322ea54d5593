/** Reading what Prometheus reads, as strictly as it does. */
export type Sample = { name: string; labels: Record<string, string>; value: number };
export type Page = { samples: Sample[]; types: Map<string, string> };

const SAMPLE = /^([a-z_][a-z0-9_]*)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (\S+)$/;

/** @throws Error for a line that is none, a sample without a TYPE before it, and one that is there twice. */
export function parsePage(text: string): Page {
  const types = new Map<string, string>();
  const samples: Sample[] = [];
  const seen = new Set<string>();
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  for (const line of text.split("\n").slice(0, -1)) {
    const [, about, name = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (about === "TYPE") {
      if (types.has(name)) throw new Error(`${name} has two groups`);
      types.set(name, rest);
    }
    if (about) continue;
    const [, named = "", labels = "", value = ""] = SAMPLE.exec(line) ?? [];
    const family = named.replace(/_(bucket|sum|count)$/, "");
    if (!types.has(named) && types.get(family) !== "histogram")
      throw new Error(`no sample of a family: ${line}`);
    const key = line.slice(0, line.lastIndexOf(" "));
    if (seen.has(key)) throw new Error(`twice: ${key}`);
    seen.add(key);
    const pairs = [...labels.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)];
    samples.push({
      name: named,
      labels: Object.fromEntries(pairs.map(([, label = "", text = ""]) => [label, text])),
      value: Number(value),
    });
  }
  return { samples, types };
}

/** The sum of the samples of a name that have these labels; undefined when there is none. */
export function sampled(
  { samples }: Page,
  name: string,
  labels: Record<string, string> = {},
): number | undefined {
  const found = samples.filter(
    (sample) =>
      sample.name === name &&
      Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  );
  return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0);
}
