/** The OpenAPI document as a page, with Swagger UI served from its package: nothing is loaded from elsewhere. */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Hono } from "hono";

const ASSETS = {
  "swagger-ui.css": "text/css; charset=utf-8",
  "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
} as const;

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
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

export const docsRoutes = new Hono()
  .use(async function docsPolicy(c, next) {
    await next();
    c.header("content-security-policy", POLICY);
  })
  .get("/", (c) => c.html(PAGE))
  .get("/start.js", (c) => c.body(START, 200, { "content-type": "text/javascript; charset=utf-8" }))
  .get("/:asset{swagger-ui\\.css|swagger-ui-bundle\\.js}", (c) => {
    const asset = c.req.param("asset") as keyof typeof ASSETS;
    return c.body(Bun.file(join(assetFolder(), asset)).stream(), 200, { "content-type": ASSETS[asset] });
  });

function assetFolder(): string {
  return dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
}
