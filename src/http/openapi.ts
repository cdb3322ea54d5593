/** The OpenAPI 3.1 document, made from the very schemas that validate. */
import type { Hono } from "hono";
import { generateSpecs } from "hono-openapi";
import type { AppEnv } from "../context.ts";

const INFO = {
  title: "Tenantry",
  version: "1",
  description: "Self-hosted, multi-tenant identity: auth, users and tenants.",
};

/** Generates the document; it never changes while the process runs, so the caller keeps it. */
export async function openApiDocument(app: Hono<AppEnv>, issuer: string) {
  const document = await generateSpecs(app, {
    documentation: {
      openapi: "3.1.0",
      info: INFO,
      servers: [{ url: issuer }],
      components: { securitySchemes: { bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" } } },
    },
  });
  return document;
}
