/** An authenticator in software: it makes real attestations and assertions, also such as no honest one would make. */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

export const ORIGIN = "http://localhost:3000";
export const RP_ID = "localhost";

const UP = 0x01;
const UV = 0x04;
const BE = 0x08;
const BS = 0x10;
const AT = 0x40;

export type Algorithm = "ES256" | "EdDSA" | "RS256" | "ES384";

/** What differs from an honest answer. */
export type Twist = {
  origin?: string;
  rpId?: string;
  type?: string;
  challenge?: string;
  clientData?: Record<string, unknown>;
  /** Flags to set and to clear. */
  set?: number;
  clear?: number;
  counter?: number;
  userHandle?: string | null;
  credentialId?: Buffer;
  id?: string;
  signature?: Buffer;
  format?: string;
  /** With a statement that the new key signs itself (WebAuthn Level 3, section 8.2). */
  selfAttested?: boolean;
};

export const FLAGS = { UP, UV, BE, BS };

export type Authenticator = ReturnType<typeof createAuthenticator>;

type AuthenticatorOptions = {
  algorithm?: Algorithm;
  /** Copied by its provider, as most passkeys are; else it is bound to one device. */
  synced?: boolean;
  userVerification?: boolean;
  credentialId?: Buffer;
};

/** One credential, which `register` ties to the user that the options name. */
export function createAuthenticator({
  algorithm = "ES256",
  synced = true,
  userVerification = true,
  credentialId = randomBytes(32),
}: AuthenticatorOptions = {}) {
  const { publicKey, privateKey } = keyPair(algorithm);
  const honest = UP | (userVerification ? UV : 0) | (synced ? BE | BS : 0);
  let counter = 0;
  let userHandle = "";

  function authenticatorData(twist: Twist, attested: Buffer = Buffer.alloc(0)): Buffer {
    const flags =
      ((honest | (twist.set ?? 0)) & ~(twist.clear ?? 0)) | (attested.length > 0 ? AT : 0);
    const count = Buffer.alloc(4);
    count.writeUInt32BE(twist.counter ?? counter);
    return Buffer.concat([sha256(twist.rpId ?? RP_ID), Buffer.from([flags]), count, attested]);
  }

  function signatureOf(data: Buffer, client: string): Buffer {
    const signed = Buffer.concat([data, sha256(Buffer.from(client, "base64url"))]);
    const hash = { EdDSA: null, ES384: "sha384" }[algorithm as string];
    return sign(hash === undefined ? "sha256" : hash, signed, privateKey);
  }

  /** For ES256. */
  function selfAttestation(data: Buffer, client: string): Map<string, unknown> {
    return new Map<string, unknown>([
      ["alg", -7],
      ["sig", signatureOf(data, client)],
    ]);
  }

  return {
    id: credentialId.toString("base64url"),
    /** RegistrationResponseJSON for PublicKeyCredentialCreationOptionsJSON. */
    register(options: { challenge: string; user: { id: string } }, twist: Twist = {}) {
      userHandle = options.user.id;
      const id = twist.credentialId ?? credentialId;
      const length = Buffer.alloc(2);
      length.writeUInt16BE(id.length);
      const attested = Buffer.concat([Buffer.alloc(16), length, id, coseKey(algorithm, publicKey)]);
      const data = authenticatorData(twist, attested);
      const client = clientData("webauthn.create", options.challenge, twist);
      const attestation = new Map<string, unknown>([
        ["fmt", twist.selfAttested ? "packed" : (twist.format ?? "none")],
        ["attStmt", twist.selfAttested ? selfAttestation(data, client) : new Map()],
        ["authData", data],
      ]);
      return {
        id: twist.id ?? id.toString("base64url"),
        rawId: twist.id ?? id.toString("base64url"),
        type: "public-key",
        clientExtensionResults: { credProps: { rk: true } },
        authenticatorAttachment: "platform",
        response: {
          clientDataJSON: client,
          attestationObject: cbor(attestation).toString("base64url"),
          transports: ["internal", "hybrid"],
          publicKeyAlgorithm: -7,
        },
      };
    },
    /** AuthenticationResponseJSON for PublicKeyCredentialRequestOptionsJSON. */
    assert(options: { challenge: string }, twist: Twist = {}) {
      if (!synced) counter += 1;
      const data = authenticatorData(twist);
      const client = clientData("webauthn.get", options.challenge, twist);
      const signature = signatureOf(data, client);
      const handle = twist.userHandle === undefined ? userHandle : twist.userHandle;
      const id = twist.id ?? credentialId.toString("base64url");
      return {
        id,
        rawId: id,
        type: "public-key",
        clientExtensionResults: {},
        response: {
          clientDataJSON: client,
          authenticatorData: data.toString("base64url"),
          signature: (twist.signature ?? signature).toString("base64url"),
          ...(handle !== null && { userHandle: handle }),
        },
      };
    },
  };
}

function clientData(type: string, challenge: string, twist: Twist): string {
  const data = {
    type: twist.type ?? type,
    challenge: twist.challenge ?? challenge,
    origin: twist.origin ?? ORIGIN,
    crossOrigin: false,
    ...twist.clientData,
  };
  return Buffer.from(JSON.stringify(data)).toString("base64url");
}

function keyPair(algorithm: Algorithm) {
  switch (algorithm) {
    case "ES256":
      return generateKeyPairSync("ec", { namedCurve: "P-256" });
    case "ES384":
      return generateKeyPairSync("ec", { namedCurve: "P-384" });
    case "EdDSA":
      return generateKeyPairSync("ed25519");
    case "RS256":
      return generateKeyPairSync("rsa", { modulusLength: 2048 });
  }
}

/** RFC 9052, section 7, and RFC 9053. */
function coseKey(algorithm: Algorithm, key: KeyObject): Buffer {
  const jwk = key.export({ format: "jwk" }) as Record<string, string>;
  const bytes = (name: string) => Buffer.from(jwk[name] ?? "", "base64url");
  const maps: Record<Algorithm, [number, unknown][]> = {
    ES256: [
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, bytes("x")],
      [-3, bytes("y")],
    ],
    ES384: [
      [1, 2],
      [3, -35],
      [-1, 2],
      [-2, bytes("x")],
      [-3, bytes("y")],
    ],
    EdDSA: [
      [1, 1],
      [3, -8],
      [-1, 6],
      [-2, bytes("x")],
    ],
    RS256: [
      [1, 3],
      [3, -257],
      [-1, bytes("n")],
      [-2, bytes("e")],
    ],
  };
  return cbor(new Map(maps[algorithm]));
}

/** As much of RFC 8949 as attestations need. */
function cbor(value: unknown): Buffer {
  if (typeof value === "number") return value >= 0 ? head(0, value) : head(1, -1 - value);
  if (typeof value === "string")
    return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value]);
  if (!(value instanceof Map)) throw new Error(`cannot write ${typeof value}`);
  const entries = [...value].flatMap(([key, item]) => [cbor(key), cbor(item)]);
  return Buffer.concat([head(5, value.size), ...entries]);
}

function head(major: number, length: number): Buffer {
  const type = major << 5;
  if (length < 24) return Buffer.from([type | length]);
  if (length < 256) return Buffer.from([type | 24, length]);
  return Buffer.from([type | 25, length >> 8, length & 0xff]);
}

function sha256(data: string | Buffer): Buffer {
  return createHash("sha256").update(data).digest();
}
