/** The mails that a development server did not send, as a page and as JSON. Mounted in development alone. */
import { Hono } from "hono";
import type { AppEnv } from "../context.ts";
import { loopbackOnly } from "../http/host.ts";
import { noStore } from "../http/no-store.ts";
import { inboxPage } from "./inbox-page.ts";

/** Mails bring their own inline styles. Nothing is loaded from elsewhere, no script runs, and the frames are sandboxed. */
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

export const devMailRoutes = new Hono<AppEnv>()
  .use(noStore())
  .use(loopbackOnly())
  .get("/mail", (c) => {
    c.header("content-security-policy", POLICY);
    return c.html(inboxPage(c.var.ctx.mailer.transport.inbox));
  })
  .get("/mail.json", (c) => c.json((c.var.ctx.mailer.transport.inbox ?? []).toReversed()));
