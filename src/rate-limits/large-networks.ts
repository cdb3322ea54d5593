/** Networks that many people share: an office or a school behind one address (LARGE_NETWORKS). */
import { BlockList, isIP } from "node:net";
import type { Prefix } from "../config/networks.ts";

/** Answers whether a network, as `networkOf` names it, is one of these. */
export function largeNetworks(prefixes: readonly Prefix[]): (network: string) => boolean {
  const list = new BlockList();
  for (const { address, length, family } of prefixes) list.addSubnet(address, length, family);
  return function isLarge(network) {
    const address = network.replace(/\/\d+$/, "");
    const version = isIP(address);
    return version !== 0 && list.check(address, version === 4 ? "ipv4" : "ipv6");
  };
}
