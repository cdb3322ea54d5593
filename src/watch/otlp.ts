/**
 * Traces by OpenTelemetry, sent by OTLP over HTTP. Loaded only where they have somewhere to go (deps.ts): it takes 20 MiB.
 * Nothing is patched, and nothing is global: spans begin where the code says so.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import {
  type Context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import {
  type ExportResult,
  ExportResultCode,
  W3CTraceContextPropagator,
} from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  type ReadableSpan,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { Config } from "../config.ts";
import type { Log } from "../log.ts";
import type { Attributes, Carrier, OpenSpan, SpanStart, Traces } from "./traces.ts";

/** Spans that wait to be sent. What comes beyond is dropped: requests wait for no collector. */
const MOST_WAITING = 2048;
const BATCH = 512;
const SEND_EVERY_MILLIS = 2000;
const SEND_TIMEOUT_MILLIS = 5000;
/** At the end, for what is left. */
const STOP_MILLIS = 3000;
const LONGEST_TEXT = 4096;

const KINDS = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  consumer: SpanKind.CONSUMER,
  internal: SpanKind.INTERNAL,
} as const;

export type TracesOptions = NonNullable<Config["traces"]>;

export function createTraces({ url, headers, service, share }: TracesOptions, log: Log): Traces {
  const exporter = told(
    new OTLPTraceExporter({
      url,
      headers,
      timeoutMillis: SEND_TIMEOUT_MILLIS,
      concurrencyLimit: 2,
    }),
    log,
  );
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      "service.name": service,
      "service.instance.id": crypto.randomUUID(),
    }),
    // The caller's decision holds: a trace with holes helps nobody.
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(share) }),
    spanLimits: { attributeValueLengthLimit: LONGEST_TEXT, attributeCountLimit: 32 },
    spanProcessors: [
      new BatchSpanProcessor({
        exporter,
        maxQueueSize: MOST_WAITING,
        maxExportBatchSize: BATCH,
        scheduledDelayMillis: SEND_EVERY_MILLIS,
        exportTimeoutMillis: SEND_TIMEOUT_MILLIS,
      }),
    ],
  });
  const tracer = provider.getTracer("tenantry");
  const propagator = new W3CTraceContextPropagator();
  const present = new AsyncLocalStorage<Context>();

  function start({ name, kind, attributes }: SpanStart, parent: Context): Span {
    return tracer.startSpan(name, { kind: KINDS[kind], attributes: { ...attributes } }, parent);
  }

  return {
    within(starting, work, carrier) {
      const parent = carrier
        ? propagator.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter)
        : (present.getStore() ?? ROOT_CONTEXT);
      const span = start(starting, parent);
      return present.run(trace.setSpan(parent, span), async () => {
        try {
          return await work(openSpan(span));
        } catch (err) {
          fail(span, nameOf(err));
          throw err;
        } finally {
          span.end();
        }
      });
    },
    begin(starting) {
      const parent = present.getStore();
      if (!parent) return () => {};
      const span = start(starting, parent);
      return (err) => {
        if (err) fail(span, nameOf(err));
        span.end();
      };
    },
    traceId() {
      const context = present.getStore();
      return context && trace.getSpanContext(context)?.traceId;
    },
    carrier() {
      const carrier: Carrier = {};
      const context = present.getStore();
      if (context) propagator.inject(context, carrier, defaultTextMapSetter);
      // The state is the caller's own words, which are not for our tables.
      return { traceparent: carrier.traceparent };
    },
    async stop() {
      const sent = provider.shutdown().catch(() => {});
      await Promise.race([sent, Bun.sleep(STOP_MILLIS)]);
    },
  };
}

function openSpan(span: Span): OpenSpan {
  return {
    rename: (name) => void span.updateName(name),
    set(attributes: Attributes) {
      for (const [name, value] of Object.entries(attributes))
        if (value !== undefined) span.setAttribute(name, value);
    },
    fail: (what) => fail(span, what),
  };
}

/** Its class or code alone: a message may quote what somebody sent. */
function fail(span: Span, what: string): void {
  span.setStatus({ code: SpanStatusCode.ERROR });
  span.setAttribute("error.type", what);
}

function nameOf(err: unknown): string {
  if (!(err instanceof Error)) return typeof err;
  return "code" in err && typeof err.code === "string" ? err.code : err.name;
}

/** Says once that nothing arrives, and once that it does again. */
function told(exporter: SpanExporter, log: Log): SpanExporter {
  let arrives = true;
  function tell({ code, error }: ExportResult): void {
    const arrived = code === ExportResultCode.SUCCESS;
    if (arrives && !arrived) log("warn", "traces cannot be sent", { error });
    if (!arrives && arrived) log("info", "traces are sent again");
    arrives = arrived;
  }
  return {
    export(spans: ReadableSpan[], done) {
      exporter.export(spans, (result) => {
        tell(result);
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
  };
}
