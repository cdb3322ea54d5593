/** The OpenAPI 3.1 document, made from the very schemas that validate. */
import type { Hono } from "hono";
import { generateSpecs } from "hono-openapi";
import type { AppEnv } from "../context.ts";
import { failures, PROBLEMS } from "./operation.ts";

const INFO = {
  title: "Tenantry",
  version: "1",
  description: "Self-hosted, multi-tenant identity: auth, users and tenants.",
};

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
      info: INFO,
      servers: [{ url: issuer }],
      components: {
        securitySchemes: { bearer: BEARER },
        responses: PROBLEMS,
      },
    },
  });
  for (const path of Object.values(document.paths)) {
    for (const operation of [path?.post, path?.put, path?.patch]) {
      if (!operation?.requestBody) continue;
      operation.responses = { ...operation.responses, ...failures([400, 408, 413, 415, 422]) };
    }
  }
  return document;
}
