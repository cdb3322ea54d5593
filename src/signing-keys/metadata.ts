import type { Context } from "../context.ts";

/** Where a well-known document of this issuer stands. */
function wellKnown(issuer: string, name: string): string {
  return `${issuer.replace(/\/$/, "")}/.well-known/${name}`;
}

/**
 * What gateways and frameworks look for to check our tokens: the issuer, the keys, their algorithms (RFC 9068, section 4;
 * RFC 8414, section 2; OpenID Connect Discovery 1.0, section 3). There is no authorization endpoint and no token endpoint
 * here, so none is named and no grant and no response type is offered. Their two lists stand there all the same: one is
 * required, and the other one left out would mean two grants.
 */
export function issuerMetadata({ config, signingKeys }: Pick<Context, "config" | "signingKeys">) {
  return {
    issuer: config.issuer,
    jwks_uri: wellKnown(config.issuer, "jwks.json"),
    response_types_supported: [],
    grant_types_supported: [],
    subject_types_supported: ["public"],
    /** Of access tokens. For these there is no word of their own, and this is where everybody reads it. */
    id_token_signing_alg_values_supported: [
      ...new Set(signingKeys.jwks().keys.flatMap(({ alg }) => alg ?? [])),
    ],
  };
}
