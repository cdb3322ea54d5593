/** Arbitrary requests to a route of the OpenAPI document: mostly what fits, so that it gets far, with something wrong. */
import fc from "fast-check";
import { PASSWORD } from "../support/app.ts";
import type { Route } from "./document.ts";

type Value = fc.Arbitrary<fc.JsonValue>;
type Fields = fc.Arbitrary<Record<string, fc.JsonValue>>;
export type ArbitraryRequest = { address: string; body: string | undefined };

const NASTY: Value = fc.constantFrom<fc.JsonValue>(
  ...["", " ", "\0", "\ud800", "\u202e", "%", "\\", "'", "$1", "../..", "__proto__"],
  ...["x".repeat(300), "owner", "super_admin", "2026-02-30", "P1D", "infinity", "-1", "1e3"],
  ...["0001-01-01T00:00:00Z", "9999-12-31T23:59:59+14:00", "99999999999999999999", "true"],
  ...["WyJjcmVhdGVkQXQgZGVzYyIsIngiLCJ5Il0", "00000000-0000-7000-8000-000000000001"],
  ...[null, true, 0, -1, 1.5, 1e308, 2 ** 53, [], {}, [null], ["owner"], { a: { b: [] } }],
);
const TEXT = fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }));
const OBJECT = fc.dictionary(TEXT, fc.jsonValue(), { maxKeys: 3 });
const INSTANT = fc.date({ noInvalidDate: true }).map((date) => date.toISOString());

/** What passes validation, by the name of the field. */
const FITTING: Record<string, Value> = {
  email: fc.uuid().map((id) => `${id}@a.example`),
  slug: fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,20}[a-z0-9]$/),
  tenant: fc.record({ name: TEXT, slug: fc.uuid() }),
  roles: fc.subarray(["owner", "admin", "member", "auditor"]),
  status: fc.constantFrom("active", "disabled"),
  settings: fc.record(
    {
      passwordMinLength: fc.integer({ min: 15, max: 64 }),
      sessionIdleSeconds: fc.integer({ min: 60, max: 1e6 }),
      locale: fc.constantFrom("de", "pt-BR"),
      custom: OBJECT,
    },
    { requiredKeys: [] },
  ),
  seatLimit: fc.integer({ min: 100, max: 200 }),
  preferences: OBJECT,
  avatarUrl: fc.webUrl({ validSchemes: ["https"], withQueryParameters: true }),
  phone: fc.stringMatching(/^\+[1-9]\d{6,14}$/),
  timezone: fc.constantFrom("UTC", "Europe/Berlin"),
  language: fc.stringMatching(/^[a-z]{2}(-[A-Z]{2})?$/),
  limit: fc.integer({ min: 1, max: 100 }),
  page: fc.integer({ min: 1, max: 500 }),
  sort: fc.constantFrom("createdAt", "-createdAt", "email", "-lastName"),
  deleted: fc.boolean(),
  outcome: fc.constantFrom("success", "failure"),
  from: INSTANT,
  to: INSTANT,
};

/** @param ids of things that are there. */
export function arbitraryRequest(route: Route, ids: string[]): fc.Arbitrary<ArbitraryRequest> {
  return fc.record({ address: address(route, ids), body: body(route, ids) });
}

function body({ method, operation }: Route, ids: string[]): fc.Arbitrary<string | undefined> {
  if (method === "GET") return fc.constant(undefined);
  const schema = operation.requestBody?.content["application/json"]?.schema;
  if (!schema) return fc.option(TEXT, { nil: undefined });
  const names = Object.keys((schema.properties as object | undefined) ?? {});
  const objects = fc
    .oneof(all(names, ids), some(names, ids))
    .map((fields) => JSON.stringify(fields));
  return fc.oneof({ weight: 12, arbitrary: objects }, fc.json(), TEXT);
}

function address({ path, operation }: Route, ids: string[]): fc.Arbitrary<string> {
  const names = (operation.parameters ?? [])
    .filter((parameter) => parameter.in === "query")
    .map((parameter) => parameter.name);
  const id = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...ids) }, TEXT.chain(escaped));
  const query = some(names, ids).chain((fields) =>
    fc.tuple(...Object.entries(fields).map(([name, value]) => pair(name, String(value)))),
  );
  const repeated = fc.oneof({ weight: 12, arbitrary: fc.constant("") }, fc.constant("&limit=1"));
  return fc
    .tuple(id, query, repeated)
    .map(([id, query, more]) => `${path.replace(/\{\w+\}/, () => id)}?${query.join("&")}${more}`);
}

function pair(name: string, value: string): fc.Arbitrary<string> {
  return fc.tuple(escaped(name), escaped(value)).map((pair) => pair.join("="));
}

/** Text as a URL wants it, or now and then as it comes. */
function escaped(text: string): fc.Arbitrary<string> {
  const wellFormed = text.toWellFormed();
  const raw = wellFormed.replace(/[#?/\\&\s]/g, "%");
  return fc.oneof(
    { weight: 9, arbitrary: fc.constant(encodeURIComponent(wellFormed)) },
    fc.constant(raw),
  );
}

/** Every field. */
function all(names: string[], ids: string[]): Fields {
  return fc.record(Object.fromEntries(names.map((name) => [name, value(name, ids)])));
}

/** A few of the fields, now and then with one that nobody knows. */
function some(names: string[], ids: string[]): Fields {
  const known = fc
    .subarray(names, { maxLength: Math.min(3, names.length) })
    .chain((names) => all(names, ids));
  const unknown = fc.dictionary(TEXT, NASTY, { maxKeys: 1 });
  const mixed = fc.tuple(known, unknown).map(([known, unknown]) => ({ ...known, ...unknown }));
  return fc.oneof({ weight: 9, arbitrary: known }, mixed);
}

function value(name: string, ids: string[]): Value {
  return fc.oneof({ weight: 30, arbitrary: fitting(name, ids) }, NASTY, TEXT, fc.jsonValue());
}

function fitting(name: string, ids: string[]): Value {
  if (/Id$|Token$/.test(name)) return fc.constantFrom(...ids);
  if (!/password/i.test(name)) return FITTING[name] ?? TEXT;
  return fc.oneof(fc.constant(PASSWORD), fc.string({ minLength: 15, unit: "binary" }));
}
