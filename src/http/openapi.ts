/** The OpenAPI 3.1 document, made from the very schemas that validate. */
import type { Hono } from "hono";
import { generateSpecs } from "hono-openapi";
import type { AppEnv } from "../context.ts";
import { type FieldName, fields, HEADERS } from "./documented-headers.ts";
import { ANSWERS } from "./example-answers.ts";
import { INPUTS } from "./example-inputs.ts";
import { failures, PROBLEMS } from "./operation.ts";

const INFO = {
  title: "Tenantry",
  version: "1",
  description:
    "Self-hosted, multi-tenant identity: auth, users and tenants. Every answer also carries `Vary: Origin` and the header fields that tell browsers to load, frame and guess nothing; pages of the listed origins get those of CORS.",
  license: { name: "Apache-2.0", identifier: "Apache-2.0" },
};

const TAGS = new Map([
  ["Auth", "Registering, logging in and out, and who I am"],
  ["E-mail", "What is asked for by mail, and what its links and codes do"],
  ["Factors", "My second factors and passkeys"],
  ["Users", "The people of a tenant"],
  ["Roles", "Roles, permissions, and whether they are held"],
  ["Invitations", "Asking people into a tenant"],
  ["Tenants", "My tenant, and all of them for the platform"],
  ["API keys", "Keys for machines"],
  ["Service accounts", "Machines that have roles of their own"],
  ["Audit", "What was done, by whom"],
  ["Platform", "Running the installation"],
]);

const EXAMPLES = new Map<string, object>(Object.entries({ ...ANSWERS, ...INPUTS }));

const BEARER = {
  type: "http",
  scheme: "bearer",
  bearerFormat: "JWT",
  description: "An access token. API keys (tnk_…) go the same way, where no session is needed.",
} as const;

/** Generates the document; it never changes while the process runs, so the caller keeps it. */
export async function openApiDocument(app: Hono<AppEnv>, issuer: string) {
  const document = await generateSpecs(app, {
    // Else every validated operation promises a 400 of a form that is not ours.
    defaultValidationErrorResponse: false,
    documentation: {
      openapi: "3.1.0",
      info: { ...INFO, contact: { name: "Who runs this installation", url: issuer } },
      servers: [{ url: issuer }],
      components: {
        securitySchemes: { bearer: BEARER },
        responses: PROBLEMS,
        headers: HEADERS,
      },
    },
  });
  const operations: Operation[] = Object.values(document.paths).flatMap((path) =>
    Object.values(path as Record<string, Operation>),
  );
  operations.forEach(complete);
  const names = new Set(operations.flatMap(({ tags }) => tags));
  const tags = [...names].map((name) => ({ name, description: TAGS.get(name) }));
  const schemas = Object.entries(document.components?.schemas ?? {})
    .filter(([name]) => !NAMELESS.test(name))
    .map(([name, schema]) => [name, { ...schema, examples: [EXAMPLES.get(name)] }]);
  const { components } = document;
  return withoutNameless({
    ...document,
    tags,
    components: { ...components, schemas: Object.fromEntries(schemas) },
  });
}

type Operation = {
  summary: string;
  tags: string[];
  description?: string;
  parameters?: { in: string; name: string; schema: object }[];
  requestBody?: object;
  responses: Record<string, { $ref?: string; headers?: object }>;
  "x-says"?: string[];
  "x-sends"?: FieldName[];
};

/** With what its middlewares tell of it, and what every body may be answered. */
function complete(operation: Operation): void {
  const { "x-says": says = [], "x-sends": sends = [] } = operation;
  delete operation["x-says"];
  delete operation["x-sends"];
  operation.description = says.join(" ") || `${operation.summary}.`;
  for (const response of Object.values(operation.responses))
    if (response.$ref === undefined)
      response.headers = { ...response.headers, ...fields(...sends) };
  for (const { in: place, name, schema } of operation.parameters ?? [])
    if (place === "path" && /^id$|Id$/.test(name)) Object.assign(schema, { format: "uuid" });
  if (!operation.requestBody) return;
  operation.responses = { ...operation.responses, ...failures([400, 408, 413, 415, 422]) };
}

/** What zod calls a schema that speaks of itself and has no `ref`. Ours is `z.json()`: any value. */
const NAMELESS = /__schema\d+$/;

function withoutNameless<Document>(document: Document): Document {
  return JSON.parse(JSON.stringify(document), (_key, value) =>
    NAMELESS.test(value?.$ref) ? {} : value,
  );
}
