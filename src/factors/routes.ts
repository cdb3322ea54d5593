/** My second factors and passkeys, below /v1/auth/me. */
import { Hono } from "hono";
import type { AppEnv } from "../context.ts";
import { authenticateSession, requireRecentLogin } from "../http/authenticate.ts";
import { idempotent } from "../http/idempotency.ts";
import { operation } from "../http/operation.ts";
import { rateLimit } from "../http/rate-limit.ts";
import { validate } from "../http/validate.ts";
import { listFactors } from "./list.ts";
import { passkeyCreationOptions } from "./passkey-options.ts";
import { registerPasskey } from "./passkey-registration.ts";
import { removePasskey, renamePasskey } from "./passkeys.ts";
import { renewRecoveryCodes } from "./recovery-codes.ts";
import {
  ConfirmedTotp,
  ConfirmTotpInput,
  Factors,
  Passkey,
  PendingTotp,
  RecoveryCodes,
  RenamePasskeyInput,
} from "./schemas.ts";
import { confirmTotp, removeTotp, startTotp } from "./totp-enrolment.ts";
import { PasskeyCreationOptions, RegisterPasskeyInput } from "./webauthn-schemas.ts";

const op = operation("Factors");
const ENROLMENT = { beforeMfa: true };

export const factorRoutes = new Hono<AppEnv>()
  .get(
    "/factors",
    op("How I can prove who I am", { 200: Factors, errors: [403] }),
    authenticateSession(ENROLMENT),
    async (c) => c.json(await listFactors(c.var.ctx)),
  )
  .post(
    "/totp",
    op("Begin to set up an authenticator app", { 200: PendingTotp, errors: [403, 409] }),
    authenticateSession(ENROLMENT),
    requireRecentLogin(),
    async (c) => c.json(await startTotp(c.var.ctx)),
  )
  .post(
    "/totp/confirm",
    op("Finish setting up an authenticator app", {
      200: ConfirmedTotp,
      errors: [403, 404, 422],
      idempotent: "optional",
    }),
    authenticateSession(ENROLMENT),
    requireRecentLogin(),
    validate("json", ConfirmTotpInput),
    idempotent(),
    async (c) => c.json(await confirmTotp(c.var.ctx, c.req.valid("json").code)),
  )
  .delete(
    "/totp",
    op("Remove my authenticator app", { 204: null, errors: [403, 404] }),
    authenticateSession(),
    requireRecentLogin(),
    async (c) => {
      await removeTotp(c.var.ctx);
      return c.body(null, 204);
    },
  )
  .post(
    "/recovery-codes",
    op("Make new recovery codes and void the old ones", {
      200: RecoveryCodes,
      errors: [403, 404],
      idempotent: "optional",
    }),
    authenticateSession(ENROLMENT),
    requireRecentLogin(),
    idempotent(),
    async (c) => c.json({ codes: await renewRecoveryCodes(c.var.ctx) }),
  )
  .post(
    "/passkeys/options",
    op("What the browser needs to make a passkey", {
      200: PasskeyCreationOptions,
      errors: [403, 409, 429],
    }),
    authenticateSession(ENROLMENT),
    requireRecentLogin(),
    rateLimit("challenge"),
    async (c) => c.json(await passkeyCreationOptions(c.var.ctx)),
  )
  .post(
    "/passkeys",
    op("Add the passkey that the browser made", {
      201: Passkey,
      errors: [403, 409, 422],
      idempotent: "optional",
    }),
    authenticateSession(ENROLMENT),
    requireRecentLogin(),
    validate("json", RegisterPasskeyInput),
    idempotent(),
    async (c) => {
      const passkey = await registerPasskey(c.var.ctx, c.req.valid("json"));
      c.header("location", `/v1/auth/me/passkeys/${passkey.id}`);
      return c.json(passkey, 201);
    },
  )
  .patch(
    "/passkeys/:id",
    op("Rename one of my passkeys", { 200: Passkey, errors: [403, 404, 422] }),
    authenticateSession(),
    requireRecentLogin(),
    validate("json", RenamePasskeyInput),
    async (c) =>
      c.json(await renamePasskey(c.var.ctx, c.req.param("id"), c.req.valid("json").name)),
  )
  .delete(
    "/passkeys/:id",
    op("Remove one of my passkeys", { 204: null, errors: [403, 404] }),
    authenticateSession(),
    requireRecentLogin(),
    async (c) => {
      await removePasskey(c.var.ctx, c.req.param("id"));
      return c.body(null, 204);
    },
  );
