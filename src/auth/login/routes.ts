/** Every way of logging in, its second step, logging in again, and what lifts the lock of wrong guesses: below /v1/auth. */
import { Hono } from "hono";
import type { AppEnv } from "../../context.ts";
import { PasskeyRequestOptions } from "../../factors/webauthn-schemas.ts";
import { authenticateSession } from "../../http/authenticate.ts";
import { idempotent } from "../../http/idempotency.ts";
import { knownDevice } from "../../http/known-device.ts";
import { operation } from "../../http/operation.ts";
import { rateLimit, rateLimitBeside, rateLimitByUser } from "../../http/rate-limit.ts";
import { deliverTokens } from "../../http/refresh-cookie.ts";
import { validate } from "../../http/validate.ts";
import { deviceAtLogin, deviceOfPasskey, deviceOfToken } from "../known-device.ts";
import { AddressInput, ChallengeAnswer } from "../mails/schemas.ts";
import { LoginAnswer, TokenAnswer } from "../schemas.ts";
import { unlock } from "../unlock.ts";
import { attemptsOfLogin, login } from "./login.ts";
import { logInByMagicLink, requestMagicLink } from "./magic-link.ts";
import { logInWithPasskey, passkeyLoginOptions } from "./passkey.ts";
import { reauthenticate, reauthenticationOptions } from "./reauthenticate.ts";
import {
  LoginInput,
  MagicLinkInput,
  MfaTokenInput,
  PasskeyLoginInput,
  ReauthenticateInput,
  SelectTenantInput,
  UnlockInput,
  VerifyMfaInput,
} from "./schemas.ts";
import { mfaPasskeyOptions, verifyMfa } from "./second-factor.ts";
import { selectTenant } from "./select-tenant.ts";

const again = operation("Auth");
const anonymous = operation("Auth", { anonymous: true });
const byMail = operation("E-mail", { anonymous: true });

export const loginRoutes = new Hono<AppEnv>()
  .post(
    "/login",
    anonymous("Log in with a password", {
      200: LoginAnswer,
      errors: [401, 422, 429, 503],
      cookie: "given",
    }),
    validate("json", LoginInput),
    knownDevice(deviceAtLogin),
    rateLimitBeside("login", attemptsOfLogin),
    async (c) => c.json(deliverTokens(c, await login(c.var.ctx, c.req.valid("json")))),
  )
  .post(
    "/magic-link",
    byMail("Ask for a mail to log in with", { 202: ChallengeAnswer, errors: [422, 429] }),
    validate("json", AddressInput),
    rateLimit("mail"),
    async (c) => c.json(await requestMagicLink(c.var.ctx, c.req.valid("json")), 202),
  )
  .post(
    "/magic-link/verify",
    byMail("Log in with the link or code of a mail", {
      200: LoginAnswer,
      errors: [400, 422, 429],
      cookie: "given",
      idempotent: "optional",
    }),
    validate("json", MagicLinkInput),
    idempotent({ tokens: true }),
    knownDevice<MagicLinkInput>((ctx, input) =>
      deviceOfToken(ctx, "token" in input ? input.token : input.challengeId),
    ),
    rateLimit("proof"),
    async (c) => c.json(deliverTokens(c, await logInByMagicLink(c.var.ctx, c.req.valid("json")))),
  )
  .post(
    "/passkey/options",
    anonymous("What the browser needs to log in with a passkey", {
      200: PasskeyRequestOptions,
      errors: [429],
    }),
    rateLimit("challenge"),
    async (c) => c.json(await passkeyLoginOptions(c.var.ctx)),
  )
  .post(
    "/passkey/login",
    anonymous("Log in with a passkey", {
      200: LoginAnswer,
      errors: [401, 422, 429],
      cookie: "given",
    }),
    validate("json", PasskeyLoginInput),
    knownDevice<PasskeyLoginInput>((ctx, { response }) => deviceOfPasskey(ctx, response)),
    rateLimit("login"),
    async (c) => c.json(deliverTokens(c, await logInWithPasskey(c.var.ctx, c.req.valid("json")))),
  )
  .post(
    "/select-tenant",
    anonymous("Choose the tenant of a log-in that opens several", {
      200: TokenAnswer,
      errors: [400, 404, 422, 429],
      cookie: "given",
      idempotent: "optional",
    }),
    validate("json", SelectTenantInput),
    idempotent({ tokens: true }),
    knownDevice<SelectTenantInput>((ctx, { selectionToken }) => deviceOfToken(ctx, selectionToken)),
    rateLimit("proof"),
    async (c) => {
      const answer = await selectTenant(c.var.ctx, c.req.valid("json"));
      return c.json(deliverTokens(c, answer));
    },
  )
  .post(
    "/mfa/verify",
    anonymous("Complete a log-in with the second factor", {
      200: LoginAnswer,
      errors: [401, 422, 429],
      cookie: "given",
      idempotent: "optional",
    }),
    validate("json", VerifyMfaInput),
    idempotent({ tokens: true }),
    knownDevice<VerifyMfaInput>((ctx, { mfaToken }) => deviceOfToken(ctx, mfaToken)),
    rateLimit("proof"),
    async (c) => c.json(deliverTokens(c, await verifyMfa(c.var.ctx, c.req.valid("json")))),
  )
  .post(
    "/mfa/passkey-options",
    anonymous("What the browser needs to show a passkey as the second factor", {
      200: PasskeyRequestOptions,
      errors: [401, 422, 429],
    }),
    validate("json", MfaTokenInput),
    knownDevice<MfaTokenInput>((ctx, { mfaToken }) => deviceOfToken(ctx, mfaToken)),
    rateLimit("challenge"),
    async (c) => c.json(await mfaPasskeyOptions(c.var.ctx, c.req.valid("json"))),
  )
  .post(
    "/reauthenticate",
    again("Log in again from within my session", {
      200: LoginAnswer,
      errors: [403, 422, 429, 503],
      cookie: "given",
      idempotent: "optional",
    }),
    authenticateSession({ beforeMfa: true, replaced: true }),
    validate("json", ReauthenticateInput),
    idempotent({ tokens: true }),
    rateLimitByUser("password"),
    async (c) => c.json(deliverTokens(c, await reauthenticate(c.var.ctx, c.req.valid("json")))),
  )
  .post(
    "/reauthenticate/passkey-options",
    again("What the browser needs to log in again with a passkey", {
      200: PasskeyRequestOptions,
      errors: [403, 429],
    }),
    authenticateSession({ beforeMfa: true }),
    rateLimit("challenge"),
    async (c) => c.json(await reauthenticationOptions(c.var.ctx)),
  )
  .post(
    "/unlock",
    byMail("Lift the lock of wrong passwords", {
      204: null,
      errors: [400, 422, 429],
      idempotent: "optional",
    }),
    validate("json", UnlockInput),
    idempotent(),
    rateLimit("proof"),
    async (c) => {
      await unlock(c.var.ctx, c.req.valid("json"));
      return c.body(null, 204);
    },
  );
