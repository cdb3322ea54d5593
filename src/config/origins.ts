/** Lists of origins: whose pages may call, and who may use passkeys. Each is compared to the letter with what is sent. */
import { z } from "zod";

/** A list of entries of which `faultOf` says what is wrong with one, or null. */
function list(faultOf: (entry: string) => string | null) {
  return z
    .string()
    .transform((text) => text.split(/[\s,]+/).filter(Boolean))
    .superRefine((entries, { addIssue }) => {
      const faults = entries.map(faultOf);
      const wrong = faults.findIndex((fault) => fault !== null);
      if (wrong !== -1) addIssue(`entry ${wrong + 1} ${faults[wrong]}`);
    });
}

const PLAIN =
  "in lower case, each by itself (there is no *), with no path, no slash at the end and no :443 or :80";

/** Of pages, and of apps that are pages in a web view: CORS_ORIGINS. */
export const PageOrigins = list((entry) => {
  if (entry.includes("*"))
    return "stands for more than one origin, and their pages act as whoever is logged in: name each by itself";
  // The Fetch standard, section 3.2: what has no origin of its own says so, and so can everybody.
  if (entry === "null")
    return "is what frames in a sandbox and files say, whoever made them: anybody can have it. An app names a scheme of its own, such as capacitor://localhost";
  if (ANYBODYS.test(entry))
    return "has a scheme that is no app's own: pages of anybody can have it. An app names its own, such as capacitor://localhost";
  return isWebOrigin(entry) || APP_ORIGIN.test(entry)
    ? null
    : `must be an origin as browsers write it, such as https://www.acme.example, http://localhost:8080 or capacitor://localhost: ${PLAIN}`;
});

/** Of pages and of Android's apps: PASSKEY_ORIGINS. Apps of Apple's systems have the origin of the domain. */
export const PasskeyOrigins = list((entry) => {
  if (entry.startsWith(ANDROID))
    return isKeyHash(entry.slice(ANDROID.length))
      ? null
      : `must have 43 characters after ${ANDROID} the SHA-256 of the certificate that signs the app, in base64url. To make it of the fingerprint in hexadecimal: echo <fingerprint> | tr -d : | xxd -r -p | basenc --base64url | tr -d =`;
  return isWebOrigin(entry)
    ? null
    : `must be an origin as browsers write it, such as https://www.acme.example or http://localhost:8080, ${PLAIN}; or an Android app: ${ANDROID}<43 characters>`;
});

/** Whether it is an app and no page. */
export function isAndroidApp(origin: string): boolean {
  return origin.startsWith(ANDROID);
}

/** As Android itself writes the origin of an app into the client data. */
const ANDROID = "android:apk-key-hash:";

function isKeyHash(text: string): boolean {
  const hash = Buffer.from(text, "base64url");
  return hash.length === 32 && hash.toString("base64url") === text;
}

/** Pages of these have no origin, or one that a file or a page of anybody's has too. */
const ANYBODYS =
  /^(about|blob|content|data|file|filesystem|ftp|intent|javascript|resource|view-source|wss?):/i;

/** Of a web view with a scheme of the app's own: capacitor://localhost, ionic://app, tauri://localhost. */
const APP_ORIGIN = /^(?!https?:)[a-z][a-z0-9+.-]*:\/\/[a-z0-9_-]+(\.[a-z0-9_-]+)*(:[1-9]\d{0,4})?$/;

/** As browsers write them in the Origin header: no path, no slash at the end, no default port. */
function isWebOrigin(text: string): boolean {
  return (
    /^https?:\/\/([a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(:\d+)?$/.test(text) &&
    URL.canParse(text) &&
    new URL(text).origin === text
  );
}
