/** User and password in the URLs of the configuration: signs in them that mean something else in a URL. */

const ENCODE =
  "has a sign in its user or password that means something else in a URL. Percent-encode these: @ is %40, : %3A, / %2F, ? %3F, # %23, % %25, a space %20";

/**
 * With / ? or # in a password the host would be another one, programs differ about which @ ends it, and a % that begins
 * nothing cannot be read. Answers what to do, and shows nothing of the URL; null when nothing is wrong.
 */
export function faultOfCredentials(url: string): string | null {
  const [, rest] = /^[a-z]+:\/\/(.*)$/s.exec(url) ?? [];
  if (rest === undefined) return null;
  const [authority = ""] = rest.split(/[/?#]/);
  const end = authority.lastIndexOf("@");
  const credentials = authority.slice(0, Math.max(0, end));
  const isBroken = /@|\s|%(?![0-9a-f]{2})/i.test(credentials);
  return isBroken || endsBehind(authority, rest.slice(authority.length)) ? ENCODE : null;
}

/** Whether the credentials end behind what reads as the host: an @ comes after the first / ? or #. */
function endsBehind(authority: string, tail: string): boolean {
  const before = tail.slice(0, Math.max(0, tail.lastIndexOf("@")));
  if (before === "") return false;
  // A value in a query may have one: ?user=me@server.
  const isValue = /^[^#]*\?[^#]*=[^&#]*$/.test(before);
  return !isValue || !/^(\[[^\]]*\]|[^:]*)(:\d*)?$/.test(authority.replace(/^.*@/s, ""));
}
