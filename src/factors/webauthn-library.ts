/**
 * The library that checks passkeys, loaded with the first one: its readers of certificates take a fifth of the processor's
 * time of a start, and some megabytes.
 */
export async function webauthn() {
  const [server, helpers] = await Promise.all([
    import("@simplewebauthn/server"),
    import("@simplewebauthn/server/helpers"),
  ]);
  return {
    decodeAttestationObject: helpers.decodeAttestationObject,
    verifyAuthenticationResponse: server.verifyAuthenticationResponse,
    verifyRegistrationResponse: server.verifyRegistrationResponse,
  };
}
