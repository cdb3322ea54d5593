/** Access tokens: JWTs by RFC 9068 that any service can verify offline with /.well-known/jwks.json. */
import { errors, jwtVerify } from "jose";
import type { Config } from "../config.ts";
import { newId } from "../db/id.ts";
import { ApiError } from "../errors.ts";
import { createRecent } from "../recent.ts";
import type { SigningKeys } from "../signing-keys/signing-keys.ts";
import { ACCESS_TOKEN_TYPE, signJwt } from "./sign-jwt.ts";

export type AccessClaims = {
  userId: string;
  tenantId: string | null;
  sessionId: string;
  /** How the user proved who they are (RFC 8176), and when, in seconds since 1970. */
  amr: readonly string[];
  authenticatedAt: number;
  /** Who acts as the user: the claim `act` (RFC 8693, section 4.1). Not there when the user is there in person. */
  impersonatorId?: string;
  /** The tenant asks for a second factor. */
  mfaRequired?: boolean;
  /** Seconds since 1970. */
  expiresAt: number;
};

export type AccessTokens = {
  /** @param longestSeconds a shorter life than ACCESS_TOKEN_TTL_SECONDS, for a session that ends before that. */
  sign(
    claims: Omit<AccessClaims, "expiresAt">,
    longestSeconds?: number,
  ): { token: string; expiresInSeconds: number };
  /** @throws ApiError `invalid_token` whatever is wrong; the caller learns no more than that. */
  verify(token: string): Promise<AccessClaims>;
  /** The same of a token that was verified before and is still good; undefined for every other. */
  known(token: string): AccessClaims | undefined;
};

type Verified = { claims: AccessClaims; keyId: string };
type TokenConfig = Pick<Config, "issuer" | "audience" | "accessTokenTtlSeconds">;

/** The only caller of this API so far is the first party (RFC 9068, section 2.2 wants the claim). */
const CLIENT_ID = "first-party";
/** A signature check takes about 80 µs, a look-up less than one: verified tokens are remembered until they expire. */
const REMEMBERED_TOKENS = 10_000;
export const LONGEST_TOKEN = 2048;

export function createAccessTokens(config: TokenConfig, keys: SigningKeys): AccessTokens {
  const remembered = createRecent<Verified>(REMEMBERED_TOKENS);

  function known(token: string): AccessClaims | undefined {
    const found = remembered.get(token);
    // A key that leaked is retired at once, and with it what it signed.
    const isGood =
      found && found.claims.expiresAt > Date.now() / 1000 && keys.verifies(found.keyId);
    return isGood ? found.claims : undefined;
  }

  return {
    known,
    sign(claims, longestSeconds = config.accessTokenTtlSeconds) {
      const { userId, tenantId, sessionId, amr, authenticatedAt, mfaRequired } = claims;
      const expiresInSeconds = Math.min(config.accessTokenTtlSeconds, longestSeconds);
      const issuedAt = Math.floor(Date.now() / 1000);
      const token = signJwt(keys.current(), {
        iss: config.issuer,
        aud: config.audience,
        sub: userId,
        client_id: CLIENT_ID,
        sid: sessionId,
        amr,
        auth_time: authenticatedAt,
        ...(tenantId !== null && { tid: tenantId }),
        ...(mfaRequired && { mfa_required: true }),
        ...(claims.impersonatorId !== undefined && { act: { sub: claims.impersonatorId } }),
        jti: newId(),
        iat: issuedAt,
        exp: issuedAt + Math.round(expiresInSeconds),
      });
      return { token, expiresInSeconds };
    },

    async verify(token) {
      const claims = known(token);
      if (claims) return claims;
      const verified = await verifySignature(token, config, keys);
      remembered.set(token, verified);
      return verified.claims;
    },
  };
}

async function verifySignature(
  token: string,
  config: TokenConfig,
  keys: SigningKeys,
): Promise<Verified> {
  if (token.length > LONGEST_TOKEN) throw new ApiError("invalid_token");
  try {
    const { payload, protectedHeader } = await jwtVerify(
      token,
      async ({ kid, jku, jwk, x5u, x5c }) => {
        // RFC 8725, section 3.10: a token must not bring, or point to, the key that verifies it.
        if (jku !== undefined || jwk !== undefined || x5u !== undefined || x5c !== undefined)
          throw new ApiError("invalid_token");
        const key = typeof kid === "string" ? await keys.find(kid) : null;
        if (!key) throw new ApiError("invalid_token");
        return key;
      },
      {
        algorithms: ["ES256", "EdDSA"],
        issuer: config.issuer,
        audience: config.audience,
        typ: ACCESS_TOKEN_TYPE,
        clockTolerance: 0,
        requiredClaims: ["sub", "sid", "amr", "auth_time", "exp", "iat", "jti"],
      },
    );
    const { sub, sid, tid, amr, auth_time, mfa_required, exp, act } = payload;
    if (typeof sub !== "string" || typeof sid !== "string" || typeof exp !== "number")
      throw new ApiError("invalid_token");
    if (!Array.isArray(amr) || typeof auth_time !== "number") throw new ApiError("invalid_token");
    const claims = {
      userId: sub,
      tenantId: typeof tid === "string" ? tid : null,
      sessionId: sid,
      amr,
      authenticatedAt: auth_time,
      ...(act !== undefined && { impersonatorId: actorOf(act) }),
      mfaRequired: mfa_required === true,
      expiresAt: exp,
    };
    return { claims, keyId: String(protectedHeader.kid) };
  } catch (err) {
    if (err instanceof errors.JOSEError || err instanceof TypeError)
      throw new ApiError("invalid_token", undefined, { cause: err });
    throw err;
  }
}

/** Whoever acts for somebody else and is not named must not pass for them. */
function actorOf(act: unknown): string {
  const sub = typeof act === "object" && act !== null && "sub" in act ? act.sub : undefined;
  if (typeof sub !== "string") throw new ApiError("invalid_token");
  return sub;
}
