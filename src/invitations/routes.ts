import { Hono } from "hono";
import { TokenAnswer } from "../auth/schemas.ts";
import type { AppEnv } from "../context.ts";
import { pageOf } from "../fields.ts";
import {
  authenticate,
  authenticateSession,
  authorize,
  requireRecentLogin,
} from "../http/authenticate.ts";
import { idempotent } from "../http/idempotency.ts";
import { operation } from "../http/operation.ts";
import { rateLimit } from "../http/rate-limit.ts";
import { deliverTokens } from "../http/refresh-cookie.ts";
import { validate } from "../http/validate.ts";
import { Membership } from "../users/memberships.ts";
import { acceptInvitation, inspectInvitation } from "./accept.ts";
import { createInvitation } from "./create.ts";
import { joinTenant } from "./join.ts";
import { leaveTenant } from "./leave.ts";
import { getInvitation, listInvitations } from "./read.ts";
import { resendInvitation } from "./resend.ts";
import { revokeInvitation } from "./revoke.ts";
import {
  AcceptInvitationInput,
  CreateInvitationInput,
  Invitation,
  InvitationPreview,
  InvitationTokenInput,
  ListInvitationsQuery,
} from "./schemas.ts";

const op = operation("Invitations");
const personal = operation("Invitations", { session: true });
const anonymous = operation("Invitations", { anonymous: true });

export const invitationRoutes = new Hono<AppEnv>()
  .get(
    "/",
    op("List invitations", { 200: pageOf(Invitation, "InvitationPage"), errors: [403, 422] }),
    authenticate(),
    authorize("invitation:read"),
    validate("query", ListInvitationsQuery),
    async (c) => c.json(await listInvitations(c.var.ctx, c.req.valid("query"))),
  )
  .post(
    "/",
    op("Invite somebody by mail", {
      201: Invitation,
      errors: [403, 404, 409, 422, 429],
      idempotent: "optional",
    }),
    authenticate(),
    authorize("invitation:create"),
    validate("json", CreateInvitationInput),
    rateLimit("invitation"),
    idempotent(),
    async (c) => {
      const invitation = await createInvitation(c.var.ctx, c.req.valid("json"));
      c.header("location", `/v1/invitations/${invitation.id}`);
      return c.json(invitation, 201);
    },
  )
  .post(
    "/inspect",
    anonymous("What the link of an invitation offers", {
      200: InvitationPreview,
      errors: [400, 422, 429],
    }),
    validate("json", InvitationTokenInput),
    rateLimit("proof"),
    async (c) => c.json(await inspectInvitation(c.var.ctx, c.req.valid("json"))),
  )
  .post(
    "/accept",
    anonymous("Accept an invitation with a new account, and log in", {
      201: TokenAnswer,
      errors: [400, 409, 422, 429, 503],
      cookie: "given",
      idempotent: "optional",
    }),
    validate("json", AcceptInvitationInput),
    idempotent({ tokens: true }),
    rateLimit("proof"),
    async (c) => {
      const answer = await acceptInvitation(c.var.ctx, c.req.valid("json"));
      c.header("location", "/v1/auth/me");
      return c.json(deliverTokens(c, answer), 201);
    },
  )
  .post(
    "/join",
    personal("Accept an invitation with my account, and belong to its tenant too", {
      200: Membership,
      errors: [400, 403, 422, 429],
      idempotent: "optional",
    }),
    authenticateSession(),
    requireRecentLogin(),
    validate("json", InvitationTokenInput),
    idempotent(),
    rateLimit("proof"),
    async (c) => {
      return c.json(await joinTenant(c.var.ctx, c.req.valid("json")));
    },
  )
  .get(
    "/:id",
    op("Get an invitation", { 200: Invitation, errors: [403, 404] }),
    authenticate(),
    authorize("invitation:read"),
    async (c) => c.json(await getInvitation(c.var.ctx, c.req.param("id"))),
  )
  .delete(
    "/:id",
    op("Revoke an invitation", { 204: null, errors: [403, 404] }),
    authenticate(),
    authorize("invitation:delete"),
    async (c) => {
      await revokeInvitation(c.var.ctx, c.req.param("id"));
      return c.body(null, 204);
    },
  )
  .post(
    "/:id/resend",
    op("Send an invitation again, with a new link", {
      200: Invitation,
      errors: [403, 404, 409, 422, 429],
    }),
    authenticate(),
    authorize("invitation:create"),
    rateLimit("invitation"),
    async (c) => c.json(await resendInvitation(c.var.ctx, c.req.param("id"))),
  );

/** Below /v1/auth/me/tenants. */
export const myTenantRoutes = new Hono<AppEnv>().post(
  "/:id/leave",
  personal("Leave a tenant that I belong to", { 204: null, errors: [403, 404, 409] }),
  authenticateSession(),
  requireRecentLogin(),
  async (c) => {
    await leaveTenant(c.var.ctx, c.req.param("id"));
    return c.body(null, 204);
  },
);
