/** Networks that many people share: an office or a school behind one address (LARGE_NETWORKS). */
import type { Prefix } from "../config/networks.ts";
import { isAmong } from "../network.ts";

/** Answers whether a network, as `networkOf` names it, is one of these. */
export function largeNetworks(prefixes: readonly Prefix[]): (network: string) => boolean {
  const isWithin = isAmong(prefixes);
  return (network) => isWithin(network.replace(/\/\d+$/, ""));
}
