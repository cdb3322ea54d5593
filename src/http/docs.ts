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
</head>
<body>
<div id="docs"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;

const START = `SwaggerUIBundle({ url: "/openapi.json", dom_id: "#docs", deepLinking: true });\n`;

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
  .get("/swagger-ui.css", (c) => c.body(asset("swagger-ui.css"), 200, { "content-type": CSS }))
  .get("/swagger-ui-bundle.js", (c) =>
    c.body(asset("swagger-ui-bundle.js"), 200, { "content-type": SCRIPT }),
  );

function asset(name: string): ReadableStream {
  const folder = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
  return Bun.file(join(folder, name)).stream();
}
