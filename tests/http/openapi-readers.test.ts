/** The OpenAPI document as programs read it: validators, generators, mock servers. */
import { beforeAll, describe, expect, test } from "bun:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { z } from "zod";
import { described } from "../../src/http/json-schema.ts";
import { Problem } from "../../src/http/operation.ts";
import { testApp } from "../support/app.ts";
import { type Document, type Operation, type Route, resolve, routes } from "./document.ts";

type Node = Record<string, unknown>;

const app = testApp();
let document: Document;
let all: Route[];
beforeAll(async () => {
  document = (await app.call("GET /openapi.json")).body;
  all = routes(document);
});

/** Every schema of the document with its place, those within schemas too. */
function schemas(): [place: string, schema: Node][] {
  const found: [string, Node][] = [];
  const walk = (place: string, value: unknown, isSchema: boolean) => {
    if (typeof value !== "object" || value === null) return;
    if (isSchema) found.push([place, value as Node]);
    for (const [key, child] of Object.entries(value)) {
      // What stands here is no schema, whatever it looks like.
      if (["examples", "example", "default", "enum", "const", "required"].includes(key)) continue;
      const within = `${place}/${key}`;
      if (["properties", "schemas", "anyOf", "oneOf", "allOf"].includes(key))
        for (const [name, schema] of Object.entries(child as object))
          walk(`${within}/${name}`, schema, true);
      else walk(within, child, ["schema", "items", "additionalProperties"].includes(key));
    }
  };
  walk("#", { paths: document.paths, components: document.components }, false);
  return found;
}

test("it is valid by the schema of OpenAPI 3.1", async () => {
  const { valid, errors } = await new Validator().validate(
    structuredClone(document) as unknown as string,
  );
  expect([valid, errors]).toEqual([true, undefined]);
});

test("every schema is one that a strict reader of JSON Schema 2020-12 takes, with its examples and defaults", () => {
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
  addFormats.default(ajv);
  ajv.addVocabulary(["components"]);
  ajv.addSchema({ $id: "doc:", components: document.components });
  const found = schemas();
  expect(found.length).toBeGreaterThan(1000);
  const text = (schema: Node) =>
    JSON.stringify(schema).replaceAll('"#/components/', '"doc:#/components/');
  const validators = new Map<string, ReturnType<typeof ajv.compile>>();
  for (const [place, schema] of found) {
    const key = text(schema);
    const validate = validators.get(key) ?? ajv.compile(JSON.parse(key));
    validators.set(key, validate);
    const shown = [...((schema.examples as unknown[]) ?? []), schema.default];
    for (const value of shown.filter((value) => value !== undefined)) {
      validate(value);
      expect([place, value, validate.errors]).toEqual([place, value, null]);
    }
  }
});

test("every failure has the example of a problem", () => {
  for (const { content } of Object.values(document.components.responses)) {
    const example = content?.["application/problem+json"]?.example;
    expect(Problem.safeParse(example).error).toBeUndefined();
  }
});

test("no pattern is read differently by one language than by another", () => {
  const patterns = new Set(schemas().flatMap(([, { pattern }]) => (pattern ? [`${pattern}`] : [])));
  expect(patterns.size).toBeGreaterThan(3);
  // Literals, escaped punctuation, classes of these, groups, greedy counts, and the two ends.
  const plain = String.raw`(?:[^\\^$.|?*+()[\]{}]|\\[^A-Za-z0-9])`;
  const set = String.raw`\[\^?(?:[^\\[\]]|\\[^A-Za-z0-9])+\]`;
  const token = `(?:${plain}|${set}|[.^$|]|\\((?:\\?:)?|\\))(?:[*+?]|\\{\\d+(?:,\\d*)?\\})?`;
  for (const pattern of patterns) {
    expect(pattern).toMatch(new RegExp(`^(?:${token})+$`));
    expect(pattern).toMatch(/^[\x20-\x7e]+$/);
  }
});

test("no number is bounded by what JavaScript can count to, and no schema is one without a name", () => {
  for (const [place, { type, minimum, maximum, propertyNames }] of schemas()) {
    expect([place, propertyNames]).toEqual([place, undefined]);
    if (type !== "integer") continue;
    expect([place, Number(maximum) < 2 ** 31]).toEqual([place, true]);
    expect([place, Number(minimum) > -(2 ** 31)]).toEqual([place, true]);
  }
  expect(Object.keys(document.components.schemas).filter((name) => /^_|\d$/.test(name))).toEqual(
    [],
  );
  expect(JSON.stringify(document)).not.toContain("__schema");
});

test("every header has an example that can be sent", () => {
  // RFC 9110, section 5.5.
  for (const [name, { schema }] of Object.entries(document.components.headers))
    expect([name, schema.examples]).toEqual([name, [expect.stringMatching(/^[\x20-\x7e]+$/)]]);
});

test("every named schema has an example", () => {
  for (const [name, { examples }] of Object.entries(document.components.schemas))
    expect([name, examples]).toEqual([name, [expect.any(Object)]]);
});

describe("what a schema of ours becomes", () => {
  async function shown(schema: z.ZodType): Promise<Node> {
    const { schema: made } = await described(schema).toOpenAPISchema();
    return made as Node;
  }

  const text = z.string();
  const CASES: [what: string, schema: z.ZodType, shown: Node][] = [
    ["a class by property", text.regex(/^\P{Cc}*$/u), { type: "string" }],
    ["a look ahead", text.regex(/^(?!-)[a-z-]+$/), { type: "string" }],
    ["a look behind", text.regex(/[a-z](?<!x)$/), { type: "string" }],
    ["a lazy count", text.regex(/^a+?$/), { type: "string" }],
    ["a reference", text.regex(/^(a|b)\1$/), { type: "string" }],
    ["letters that are none of ASCII", text.regex(/^ä$/), { type: "string" }],
    ["digits", text.regex(/^\d{6}$/), { type: "string", pattern: "^[0-9]{6}$" }],
    [
      "digits in a class",
      text.regex(/^[a-f\d]+\.$/),
      { type: "string", pattern: "^[a-f0-9]+\\.$" },
    ],
    [
      "two patterns, one of which everybody reads",
      text.regex(/^\P{Cc}*$/u).regex(/^[a-z]+$/),
      { type: "string", pattern: "^[a-z]+$" },
    ],
    [
      "two patterns",
      text.regex(/^[a-z]+$/).regex(/^.{2}/),
      { type: "string", allOf: [{ pattern: "^[a-z]+$" }, { pattern: "^.{2}" }] },
    ],
    ["a moment", z.iso.datetime(), { type: "string", format: "date-time" }],
    ["an id", z.uuid(), { type: "string", format: "uuid" }],
    [
      "a format that nobody else knows",
      z.e164(),
      { type: "string", pattern: "^\\+[1-9][0-9]{6,14}$" },
    ],
    ["a whole number", z.int(), { type: "integer", minimum: 0, maximum: 2 ** 31 - 1 }],
    ["with bounds", z.int().min(-3).max(3), { type: "integer", minimum: -3, maximum: 3 }],
    ["true or false in a query", z.stringbool(), { type: "boolean" }],
    ["by default", z.stringbool().default(false), { type: "boolean", default: false }],
    ["any object", z.record(text, z.unknown()), { type: "object", additionalProperties: {} }],
  ];
  for (const [what, schema, wanted] of CASES)
    test(what, async () => expect(await shown(schema)).toEqual(wanted));
});

describe("every operation", () => {
  const fieldsOf = (operation: Operation, status: string) => {
    const response = operation.responses[status];
    return response ? Object.keys(resolve(document, response).headers ?? {}) : [];
  };
  const headersOf = ({ parameters = [] }: Operation) =>
    parameters.filter((parameter) => parameter.in === "header").map(({ name }) => name);

  test("says who may ask, and has a tag that is described", () => {
    const tags = (document as unknown as { tags: { name: string; description: string }[] }).tags;
    for (const { description } of tags) expect(description).toBeString();
    const names = tags.map(({ name }) => name);
    for (const { name, operation } of all) {
      expect([name, operation.description]).toEqual([
        name,
        expect.stringMatching(/^[A-Z].{8,}\.$/),
      ]);
      expect([name, names]).toEqual([name, expect.arrayContaining(operation.tags)]);
    }
  });

  test("says true and false of what is one of these in a query", () => {
    const flags = all.flatMap(({ operation }) =>
      (operation.parameters ?? []).filter(({ name }) => /^(dryRun|atomic|deleted)$/.test(name)),
    );
    expect(flags.length).toBeGreaterThan(3);
    for (const { schema } of flags) expect(schema).toEqual({ type: "boolean", default: false });
  });

  test("names the version that it answers and the place of what it makes", () => {
    for (const { name, operation } of all) {
      const asks = headersOf(operation);
      if (asks.includes("If-Match") && operation.responses["200"])
        expect([name, fieldsOf(operation, "200")]).toEqual([
          name,
          expect.arrayContaining(["ETag"]),
        ]);
      if (asks.includes("If-None-Match"))
        for (const status of ["200", "304"])
          expect([name, fieldsOf(operation, status)]).toEqual([
            name,
            expect.arrayContaining(["ETag"]),
          ]);
      if (operation.responses["201"])
        expect([name, fieldsOf(operation, "201")]).toEqual([
          name,
          expect.arrayContaining(["Location"]),
        ]);
    }
  });

  test("that answers a refresh token gives it in a cookie too, where the page asks", () => {
    const giving = all.filter(
      ({ name, operation }) =>
        /TokenAnswer|LoginAnswer/.test(JSON.stringify(operation.responses)) &&
        !name.endsWith("/impersonate"),
    );
    expect(giving.length).toBeGreaterThan(8);
    for (const { name, operation } of giving) {
      const status = operation.responses["201"] ? "201" : "200";
      expect([name, headersOf(operation)]).toEqual([
        name,
        expect.arrayContaining(["Tenantry-Tokens"]),
      ]);
      expect([name, fieldsOf(operation, status)]).toEqual([
        name,
        expect.arrayContaining(["Set-Cookie"]),
      ]);
    }
    const refresh = all.find(({ name }) => name === "POST /v1/auth/refresh")?.operation;
    expect(refresh?.parameters).toContainEqual(
      expect.objectContaining({ in: "cookie", name: "__Host-tenantry_refresh" }),
    );
  });

  test("that may be refused for a while says for how long", () => {
    for (const status of ["429", "503"] as const)
      expect(
        Object.keys(document.components.responses[`Problem${status}`]?.headers ?? {}),
      ).toContain("Retry-After");
    expect(Object.keys(document.components.responses.Problem401?.headers ?? {})).toContain(
      "WWW-Authenticate",
    );
  });
});
