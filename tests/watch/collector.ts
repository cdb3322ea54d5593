/** A collector of traces: what is sent to it by OTLP over HTTP (the JSON of opentelemetry-proto 1.x) it keeps. */

export type Span = {
  traceId: string;
  spanId: string;
  /** "" for the first of a trace. */
  parentSpanId: string;
  name: string;
  kind: number;
  attributes: Map<string, unknown>;
  status: number;
};

export type Collector = {
  url: string;
  spans: Span[];
  /** All that was sent, as it came. */
  texts: string[];
  headers: Headers[];
  /** What it answers, and how often that was not 200. */
  status: number;
  refused: number;
  /** Answers once so many spans are there. @throws Error after ten seconds. */
  until(isThere: (spans: Span[]) => boolean): Promise<Span[]>;
  close(): Promise<void>;
};

type Wire = {
  resourceSpans: {
    scopeSpans: {
      spans: (Omit<Span, "attributes" | "status" | "parentSpanId"> & {
        parentSpanId?: string;
        attributes: { key: string; value: Record<string, unknown> }[];
        status: { code?: number };
      })[];
    }[];
  }[];
};

export function startCollector(port = 0): Collector {
  const collector = {
    spans: [] as Span[],
    texts: [] as string[],
    headers: [] as Headers[],
    status: 200,
    refused: 0,
  };
  const server = Bun.serve({
    port,
    hostname: "127.0.0.1",
    async fetch(request) {
      const text = await request.text();
      if (collector.status !== 200) {
        collector.refused += 1;
        return new Response("no", { status: collector.status });
      }
      if (new URL(request.url).pathname !== "/v1/traces")
        return new Response(null, { status: 404 });
      collector.headers.push(request.headers);
      collector.texts.push(text);
      for (const { scopeSpans } of (JSON.parse(text) as Wire).resourceSpans)
        for (const { spans } of scopeSpans)
          for (const span of spans)
            collector.spans.push({
              ...span,
              parentSpanId: span.parentSpanId ?? "",
              status: span.status.code ?? 0,
              attributes: new Map(
                span.attributes.map(({ key, value }) => [key, Object.values(value)[0]]),
              ),
            });
      return Response.json({});
    },
  });
  return Object.assign(collector, {
    url: `http://127.0.0.1:${server.port}`,
    async until(isThere: (spans: Span[]) => boolean) {
      for (const end = Date.now() + 10_000; !isThere(collector.spans); await Bun.sleep(20))
        if (Date.now() > end)
          throw new Error(`not there: ${collector.spans.map(({ name }) => name).join(", ")}`);
      return collector.spans;
    },
    close: () => server.stop(true),
  });
}

/** Its name, with those that it is the parent of, in the order of their names. */
export type Tree = { name: string; children: Tree[] };

export function treeOf(spans: readonly Span[], { spanId, name }: Span): Tree {
  const children = spans.filter(({ parentSpanId }) => parentSpanId === spanId);
  return {
    name,
    children: children
      .map((child) => treeOf(spans, child))
      .sort((one, other) => one.name.localeCompare(other.name)),
  };
}
