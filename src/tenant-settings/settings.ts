/**
 * What a tenant decides for itself, within what the installation allows. The limits are looked at when a setting is
 * written and again when it takes effect: an installation that becomes stricter binds its tenants at once.
 */
import { z } from "zod";
import type { Config } from "../config.ts";
import type { Database } from "../db/client.ts";
import { type FieldError, ValidationError } from "../errors.ts";
import { JsonObject, LanguageTag, text } from "../fields.ts";

/** Shorter ones would end before anybody has typed anything. */
export const SHORTEST_SESSION_SECONDS = 60;
const SessionSeconds = z
  .int()
  .min(SHORTEST_SESSION_SECONDS)
  .max(366 * 86_400);
const Domain = text(253)
  .toLowerCase()
  .regex(/^[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+$/, "Must be a domain, such as example.com");

const FIELDS = {
  passwordMinLength: z.int().min(8).max(64),
  mfaRequired: z.boolean(),
  sessionIdleSeconds: SessionSeconds,
  sessionMaxSeconds: SessionSeconds,
  allowedEmailDomains: z.array(Domain).min(1).max(50),
  /** The role of users who are made without one. */
  defaultRole: z.string().min(1).max(50),
  locale: LanguageTag,
  /** Whose accounts its people have (accounts/pool.ts). The platform sets it, and moves a tenant that has people. */
  userPool: z.enum(["shared", "isolated"]),
  /** A team's own keys. */
  custom: JsonObject,
};

export const TenantSettings = z.strictObject(FIELDS).partial().meta({ ref: "TenantSettings" });
export type TenantSettings = z.infer<typeof TenantSettings>;

/** People have to move with it. */
const MOVES = "Is changed by POST /v1/tenants/{id}/user-pool, which platform accounts may call";

/** Key by key: what is named replaces what was there, and null takes it away. */
export const UpdateTenantSettings = z
  .strictObject(
    {
      passwordMinLength: FIELDS.passwordMinLength.nullable(),
      mfaRequired: FIELDS.mfaRequired.nullable(),
      sessionIdleSeconds: FIELDS.sessionIdleSeconds.nullable(),
      sessionMaxSeconds: FIELDS.sessionMaxSeconds.nullable(),
      allowedEmailDomains: FIELDS.allowedEmailDomains.nullable(),
      defaultRole: FIELDS.defaultRole.nullable(),
      locale: FIELDS.locale.nullable(),
      custom: FIELDS.custom.nullable(),
    },
    {
      error: ({ code, keys }) =>
        code === "unrecognized_keys" && keys.join() === "userPool" ? MOVES : undefined,
    },
  )
  .partial()
  .meta({ ref: "UpdateTenantSettings" });
export type UpdateTenantSettings = z.infer<typeof UpdateTenantSettings>;

/**
 * The settings of a row, whoever wrote it. What is no setting of this version, or has no valid value, is the team's own
 * and is read as a part of `custom`.
 */
export function readSettings(stored: unknown): TenantSettings {
  const entries = Object.entries(stored ?? {});
  const isSetting = ([key, value]: [string, unknown]) =>
    Object.hasOwn(FIELDS, key) && FIELDS[key as keyof typeof FIELDS].safeParse(value).success;
  const settings: TenantSettings = Object.fromEntries(entries.filter(isSetting));
  const foreign = entries.filter((entry) => !isSetting(entry));
  if (foreign.length === 0) return settings;
  return { ...settings, custom: { ...Object.fromEntries(foreign), ...settings.custom } };
}

/** Those of the tenant; a platform account has none. */
export async function settingsOf(db: Database, tenantId: string | null): Promise<TenantSettings> {
  if (tenantId === null) return {};
  const tenant = await db.tenant.findFirst({
    where: { id: tenantId },
    select: { settings: true },
  });
  return readSettings(tenant?.settings);
}

export function mergeSettings(before: TenantSettings, change: UpdateTenantSettings) {
  const entries = Object.entries({ ...before, ...change }).filter(
    ([, value]) => value !== null && value !== undefined,
  );
  return Object.fromEntries(entries) as TenantSettings;
}

/** A tenant may be stricter than the installation, and never laxer. @throws ValidationError */
export function assertWithinInstallation(config: Config, settings: UpdateTenantSettings): void {
  const { passwordMinLength, sessionIdleSeconds, sessionMaxSeconds } = settings;
  const errors: FieldError[] = [];
  const least = leastPasswordLength(config);
  const fault = (name: string, message: string) =>
    errors.push({ path: `settings.${name}`, message });
  if (passwordMinLength && passwordMinLength < least)
    fault("passwordMinLength", `Must be at least ${least}, as in the installation`);
  if (sessionIdleSeconds && sessionIdleSeconds > config.sessionIdleSeconds)
    fault(
      "sessionIdleSeconds",
      `May be at most ${config.sessionIdleSeconds}, as in the installation`,
    );
  if (sessionMaxSeconds && sessionMaxSeconds > config.sessionMaxSeconds)
    fault(
      "sessionMaxSeconds",
      `May be at most ${config.sessionMaxSeconds}, as in the installation`,
    );
  if (errors.length > 0) throw new ValidationError(errors);
}

type LengthConfig = Pick<Config, "passwordMinLength" | "passwordMinLengthWithMfa" | "mfa">;

/**
 * In characters. Where a password is never enough alone, a shorter one will do (SP 800-63B-4, 3.1.1.2): by the
 * installation's word alone, since a tenant can take its own back while the short passwords stay.
 */
export function leastPasswordLength(
  { mfa, passwordMinLength, passwordMinLengthWithMfa }: LengthConfig,
  settings: TenantSettings = {},
): number {
  const installation = mfa === "required" ? passwordMinLengthWithMfa : passwordMinLength;
  return Math.max(installation, settings.passwordMinLength ?? 0);
}

/** How long a session of the tenant lasts. */
export function sessionSeconds(
  config: Pick<Config, "sessionIdleSeconds" | "sessionMaxSeconds">,
  settings: TenantSettings,
): { idle: number; max: number } {
  const max = Math.min(config.sessionMaxSeconds, settings.sessionMaxSeconds ?? Infinity);
  const idle = Math.min(config.sessionIdleSeconds, settings.sessionIdleSeconds ?? Infinity, max);
  return { idle, max };
}
