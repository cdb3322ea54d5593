import { Hono } from "hono";
import type { H, RouterRoute } from "hono/types";
import { apiKeyRoutes } from "./api-keys/routes.ts";
import { auditRoutes } from "./audit/routes.ts";
import { addressRoutes } from "./auth/address/routes.ts";
import { loginRoutes } from "./auth/login/routes.ts";
import { ownAccountRoutes } from "./auth/own-account/routes.ts";
import { passwordRoutes, userPasswordRoutes } from "./auth/password/routes.ts";
import { ownTenantRoutes, registrationRoutes } from "./auth/registration/routes.ts";
import { authRoutes } from "./auth/routes.ts";
import type { AppEnv, Deps } from "./context.ts";
import { factorRoutes } from "./factors/routes.ts";
import { healthRoutes } from "./health/routes.ts";
import { docsRoutes } from "./http/docs.ts";
import { frontDoor } from "./http/front-door.ts";
import { joinHandlers } from "./http/join-handlers.ts";
import { metricsRoute } from "./http/metrics.ts";
import { notFound } from "./http/not-found.ts";
import { openApiDocument } from "./http/openapi.ts";
import { isDescribing } from "./http/operation.ts";
import { pathOf } from "./http/path.ts";
import { problemHandler } from "./http/problem.ts";
import { requestContext } from "./http/request-context.ts";
import { createRouter } from "./http/router.ts";
import { traceRequests } from "./http/trace-requests.ts";
import { invitationRoutes, myTenantRoutes } from "./invitations/routes.ts";
import { devMailRoutes } from "./mail/routes.ts";
import { impersonationRoutes, platformRoutes } from "./platform/routes.ts";
import { checkRoutes, permissionRoutes, roleRoutes } from "./roles/routes.ts";
import { serviceAccountRoutes } from "./service-accounts/routes.ts";
import { wellKnownRoutes } from "./signing-keys/routes.ts";
import { tenantRoutes } from "./tenants/routes.ts";
import { userBulkRoutes } from "./users/bulk/routes.ts";
import { userExportRoutes } from "./users/export/routes.ts";
import { userImportRoutes } from "./users/import/routes.ts";
import { myDataRoutes, userPrivacyRoutes } from "./users/privacy/routes.ts";
import { userRoutes } from "./users/routes.ts";

/** The application on its parts. @param migrations names of the migrations that this build needs applied. */
export function createApp(deps: Deps, migrations: string[]) {
  const onError = problemHandler();
  const router = createRouter<[H, RouterRoute]>({
    isIdle: ([handler]) => isDescribing(handler),
    join: (steps) => joinHandlers(steps, onError),
  });
  const app = new Hono<AppEnv>({ getPath: pathOf, router });
  if (deps.traces) app.use(traceRequests(deps.traces));
  app.use(requestContext(deps));
  app.use(frontDoor(deps.config.corsOrigins));

  app.route("/v1/auth", registrationRoutes);
  app.route("/v1/auth", loginRoutes);
  app.route("/v1/auth", authRoutes);
  app.route("/v1/auth", passwordRoutes);
  app.route("/v1/auth", addressRoutes);
  app.route("/v1/auth", ownAccountRoutes);
  app.route("/v1/auth/me", factorRoutes);
  app.route("/v1/auth/check", checkRoutes);
  app.route("/v1/auth/me", myDataRoutes);
  app.route("/v1/auth/me/tenants", myTenantRoutes);
  app.route("/v1/users", userBulkRoutes);
  app.route("/v1/users", userImportRoutes);
  app.route("/v1/users", userExportRoutes);
  app.route("/v1/users", userPrivacyRoutes);
  app.route("/v1/users", userRoutes);
  app.route("/v1/users", userPasswordRoutes);
  app.route("/v1/users", impersonationRoutes);
  app.route("/v1/platform", platformRoutes);
  app.route("/v1/roles", roleRoutes);
  app.route("/v1/permissions", permissionRoutes);
  app.route("/v1/tenants", ownTenantRoutes);
  app.route("/v1/tenants", tenantRoutes);
  app.route("/v1/invitations", invitationRoutes);
  app.route("/v1/api-keys", apiKeyRoutes);
  app.route("/v1/service-accounts", serviceAccountRoutes);
  app.route("/v1/audit-logs", auditRoutes);
  app.route("/health", healthRoutes(migrations));
  app.route("/.well-known", wellKnownRoutes);
  const { metrics, config } = deps;
  if (metrics && config.metrics?.port === null && config.metrics.token !== null)
    app.get("/metrics", metricsRoute(metrics, config.metrics.token));
  if (deps.config.environment === "development") app.route("/dev", devMailRoutes);

  // What there is to attack is not for everybody to read (ASVS 5.0, 13.4.5).
  if (deps.config.docs) {
    const document = openApiDocument(app, deps.config.issuer);
    app.get("/openapi.json", async (c) => c.json(await document));
    app.route("/docs", docsRoutes);
  }

  app.notFound(notFound(app));
  app.onError(onError);
  return app;
}
