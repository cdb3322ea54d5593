/** METRICS_… and OTEL_…: what they make of each other, and what does not go together. */
import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { parseConfig } from "../../src/config.ts";

const REQUIRED = {
  DATABASE_URL: "postgresql://user@db.example:5432/tenantry",
  SECRET_KEY: randomBytes(32).toString("base64"),
  ISSUER: "https://id.example.com",
  APP_URL: "https://app.example.com",
};
const TOKEN = randomBytes(32).toString("hex");
const config = (env: Record<string, string>) => parseConfig({ ...REQUIRED, ...env });

test("without them there are no metrics and no traces", () => {
  expect(config({})).toMatchObject({ metrics: null, traces: null });
  expect(config({ METRICS_HOST: "0.0.0.0", OTEL_SERVICE_NAME: "x" })).toMatchObject({
    metrics: null,
    traces: null,
  });
});

test("metrics have a port on this machine, a token, or both", () => {
  const of = (env: Record<string, string>) => config(env).metrics;
  expect(of({ METRICS_PORT: "9464" })).toEqual({ port: 9464, host: "127.0.0.1", token: null });
  expect(of({ METRICS_TOKEN: TOKEN })).toEqual({ port: null, host: "127.0.0.1", token: TOKEN });
  const both = { METRICS_PORT: "0", METRICS_HOST: "::", METRICS_TOKEN: TOKEN };
  expect(of(both)).toEqual({ port: 0, host: "::", token: TOKEN });
});

test("traces go to the path of the specification, below what was named", () => {
  expect(config({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318/" }).traces).toEqual({
    url: "http://collector:4318/v1/traces",
    headers: {},
    service: "tenantry",
    share: 1,
  });
  const more = {
    OTEL_EXPORTER_OTLP_ENDPOINT: "https://otlp.example/base",
    OTEL_EXPORTER_OTLP_HEADERS: "Authorization=Bearer%20x%3D, x-team = a",
    OTEL_TRACES_SAMPLER_ARG: "0.25",
  };
  expect(() => config(more)).toThrow("entry 2 must be a header");
  const { traces } = config({
    ...more,
    OTEL_EXPORTER_OTLP_HEADERS: "Authorization=Bearer%20x%3D,x-team=a",
  });
  expect(traces).toEqual({
    url: "https://otlp.example/base/v1/traces",
    headers: { authorization: "Bearer x=", "x-team": "a" },
    service: "tenantry",
    share: 0.25,
  });
});

const FAULTS: [variable: string, env: Record<string, string>][] = [
  ["METRICS_TOKEN", { METRICS_TOKEN: "short" }],
  ["METRICS_TOKEN", { METRICS_TOKEN: "a".repeat(64) }],
  ["METRICS_TOKEN", { METRICS_TOKEN: `${TOKEN} x` }],
  ["METRICS_TOKEN", { METRICS_TOKEN: TOKEN, WORKERS: "2" }],
  ["METRICS_PORT", { METRICS_PORT: "3000" }],
  ["METRICS_PORT", { METRICS_PORT: "2999", WORKERS: "2" }],
  ["METRICS_PORT", { METRICS_PORT: "65535", WORKERS: "2" }],
  ["METRICS_PORT", { METRICS_PORT: "on" }],
  ["METRICS_HOST", { METRICS_HOST: "127.0.0.1:9464" }],
  ["OTEL_EXPORTER_OTLP_ENDPOINT", { OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4318" }],
  ["OTEL_EXPORTER_OTLP_HEADERS", { OTEL_EXPORTER_OTLP_HEADERS: "a=b%0ac" }],
  ["OTEL_EXPORTER_OTLP_HEADERS", { OTEL_EXPORTER_OTLP_HEADERS: "a=%zz" }],
  ["OTEL_TRACES_SAMPLER_ARG", { OTEL_TRACES_SAMPLER_ARG: "10" }],
];
for (const [variable, env] of FAULTS)
  test(`${JSON.stringify(env).slice(0, 70)} stops the start`, () => {
    expect(() => config(env)).toThrow(`\n  ${variable}: `);
  });
