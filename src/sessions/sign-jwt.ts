/** Access tokens in their compact form (RFC 7515, section 3.1), from claims that we have made. */
import type { SigningKey } from "../signing-keys/rows.ts";

type Signing = Pick<SigningKey, "id" | "algorithm" | "sign">;

/** RFC 9068, section 2.1: with the type checked, no other JWT of ours can ever pass for an access token. */
export const ACCESS_TOKEN_TYPE = "at+jwt";

/** The header of a key's tokens is the same for each. */
const headers = new WeakMap<Signing["sign"], string>();

export function signJwt(key: Signing, claims: object): string {
  const signed = `${headerOf(key)}.${encoded(claims)}`;
  return `${signed}.${key.sign(signed).toString("base64url")}`;
}

function headerOf({ id, algorithm, sign }: Signing): string {
  const known = headers.get(sign);
  if (known !== undefined) return known;
  const header = encoded({ alg: algorithm, typ: ACCESS_TOKEN_TYPE, kid: id });
  headers.set(sign, header);
  return header;
}

function encoded(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}
