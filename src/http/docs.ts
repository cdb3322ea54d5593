/** The OpenAPI document as a page, with Swagger UI served from its package: nothing is loaded from elsewhere. */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Hono } from "hono";

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tenantry API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="stylesheet" href="/docs/narrow.css">
</head>
<body>
<div id="docs"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;

const START = `SwaggerUIBundle({ url: "/openapi.json", dom_id: "#docs", deepLinking: true });\n`;

/**
 * On a telephone the tables of Swagger UI push the page wider than the screen: their cells stand below each other there,
 * and long words (tokens, addresses) break. Nothing then needs more than 320 pixels (WCAG 2.2, 1.4.10).
 */
const NARROW = `@media (max-width: 767px) {
  .swagger-ui .wrapper { padding: 0 8px; }
  .swagger-ui table :is(thead, tbody, tr, td, th) { display: block; width: auto; max-width: 100%; min-width: 0; }
  .swagger-ui table { display: block; }
  .swagger-ui .responses-table .response-col_links,
  .swagger-ui .parameters > thead, .swagger-ui .responses-table > thead { display: none; }
  .swagger-ui .parameters-col_description { width: auto; }
  .swagger-ui :is(input, select, textarea) { max-width: 100% !important; min-width: 0; }
  .swagger-ui :is(.opblock-body, .model-container, .info, .markdown, .dialog-ux) { overflow-wrap: anywhere; }
  .swagger-ui .dialog-ux .modal-ux { min-width: 0; max-width: 100%; width: 100%; }
  .swagger-ui pre { white-space: pre-wrap; }
}
`;

/** Looser than the API's own policy by what Swagger UI needs: its script, its inline styles, its data: icons. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

const CSS = "text/css; charset=utf-8";
const SCRIPT = "text/javascript; charset=utf-8";

export const docsRoutes = new Hono()
  .get("/", (c) => {
    c.header("content-security-policy", POLICY);
    return c.html(PAGE);
  })
  .get("/start.js", (c) => c.body(START, 200, { "content-type": SCRIPT }))
  .get("/narrow.css", (c) => c.body(NARROW, 200, { "content-type": CSS }))
  .get("/swagger-ui.css", (c) => c.body(asset("swagger-ui.css"), 200, { "content-type": CSS }))
  .get("/swagger-ui-bundle.js", (c) =>
    c.body(asset("swagger-ui-bundle.js"), 200, { "content-type": SCRIPT }),
  );

function asset(name: string): ReadableStream {
  const folder = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
  return Bun.file(join(folder, name)).stream();
}
