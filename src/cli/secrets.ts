/** Of errors of programs and libraries nobody knows what they quote. */

import { withFiles } from "../config/secret-files.ts";

const URLS = [
  ...["DATABASE_URL", "LISTEN_DATABASE_URL", "DATABASE_REPLICA_URL", "APP_DATABASE_URL"],
  ...["RATE_LIMIT_STORE_URL", "SMTP_URL"],
];
const KEYS = ["SECRET_KEY", "SECRET_KEY_PREVIOUS", "METRICS_TOKEN", "OTEL_EXPORTER_OTLP_HEADERS"];
/** Shorter ones stand in any text by chance. */
const SHORTEST = 4;

/** The text with every secret of the environment left out, as it is written there and as it is meant. */
export function withoutSecrets(text: string, env: NodeJS.ProcessEnv): string {
  return secretsOf(env).reduce((left, secret) => left.replaceAll(secret, "…"), text);
}

function secretsOf(given: NodeJS.ProcessEnv): string[] {
  const { env } = withFiles(given, [...URLS, ...KEYS]);
  const urls = URLS.flatMap((name) => passwordsOf(env[name] ?? ""));
  const keys = KEYS.flatMap((name) => env[name] ?? []);
  return [...urls, ...keys]
    .filter((secret) => secret.length >= SHORTEST)
    .toSorted((a, b) => b.length - a.length);
}

/** Of a URL that cannot be read too: there a password may hold what should have been percent-encoded. */
function passwordsOf(url: string): string[] {
  const [, written = ""] = /^\w+:\/\/[^:/]*:(.*)@/.exec(url) ?? [];
  return [written, decoded(written)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
