/** Traces, as the rest of the server sees them: null where they have nowhere to go, so that they cost nothing then. */

export type SpanKind = "server" | "client" | "consumer" | "internal";

/** No secret, no address of anybody and no value of a statement: whoever reads traces is none of our callers. */
export type Attributes = Record<string, string | number | boolean | undefined>;

export type SpanStart = { name: string; kind: SpanKind; attributes?: Attributes };

/** A span that goes on, for who knows more about it only at its end. */
export type OpenSpan = {
  rename(name: string): void;
  set(attributes: Attributes): void;
  /** Ends well unless it is said otherwise. */
  fail(what: string): void;
};

/** As W3C Trace Context has it: the headers of whoever calls. */
export type Carrier = { traceparent?: string | undefined; tracestate?: string | undefined };

export type Traces = {
  /**
   * Does the work within a span, which is part of the present one. With a carrier, even an empty one, it is part of the
   * trace that the carrier names, or begins one.
   */
  within<T>(start: SpanStart, work: (span: OpenSpan) => Promise<T>, carrier?: Carrier): Promise<T>;
  /** Begins one that nothing is within, where there is a span that it is part of. What it answers ends it. */
  begin(start: SpanStart): (err?: unknown) => void;
  /** Of the present span; undefined outside of all. */
  traceId(): string | undefined;
  /** For whoever goes on with the present trace elsewhere, or later. */
  carrier(): Carrier;
  /** Sends what is left, within a few seconds. */
  stop(): Promise<void>;
};
