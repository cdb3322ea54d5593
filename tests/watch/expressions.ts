/** What a query of Prometheus asks for: as much of PromQL as the dashboard and the alerts are written in. */

export type Selector = {
  metric: string;
  labels: { name: string; operator: string; value: string }[];
};

const NAME = /\b(tenantry_\w+|process_\w+|up)\b(?:\{([^}]*)\})?/g;
const MATCHER = /^(\w+)(=~|!~|!=|=)"([^"]*)"$/;

/** @throws Error for a matcher that is none. */
export function selectorsOf(expression: string): Selector[] {
  return [...expression.matchAll(NAME)].map(([, metric = "", matchers = ""]) => ({
    metric,
    labels: matchers
      .split(/,\s*/)
      .filter(Boolean)
      .map((matcher) => {
        const [, name, operator, value] = MATCHER.exec(matcher) ?? [];
        if (name === undefined || operator === undefined || value === undefined)
          throw new Error(`no matcher: ${matcher}`);
        return { name, operator, value };
      }),
  }));
}

/** The labels that it sums up by. */
export function groupedBy(expression: string): string[] {
  return [...expression.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, names = ""]) =>
    names.split(/,\s*/).filter(Boolean),
  );
}
