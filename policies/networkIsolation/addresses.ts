import { BlockList, isIP } from "node:net";

/** Addresses on which clouds hand out credentials and node configuration to whoever asks. */
export const metadataAddresses: readonly string[] = [
  "169.254.169.254", // most clouds
  "169.254.170.2", // task credentials, AWS
  "169.254.170.23", // pod identity, AWS
  "168.63.129.16", // wire server, Azure
  "100.100.100.200", // Alibaba Cloud
  "192.0.0.192", // Oracle Cloud
  "fd00:ec2::254", // AWS
  "fd00:ec2::23", // pod identity, AWS
  "fd20:ce::254", // Google Cloud
  "fd00:42::42", // Scaleway
];

/** A block of addresses. */
export interface Block {
  /** Whether `address` is in it; an IPv4 address also counts in its IPv4-mapped IPv6 form. */
  contains(address: string): boolean;
}

/** Reads CIDR notation, or undefined when `text` is none (zones, leading zeros and bare addresses are none). */
export function parseBlock(text: unknown): Block | undefined {
  if (typeof text !== "string") return undefined;
  const match = /^([0-9a-fA-F:.]+)\/(0|[1-9]\d{0,2})$/.exec(text);
  if (match === null) return undefined;
  const [, address = "", length = ""] = match;
  const family = isIP(address);
  const prefix = Number(length);
  if (family === 0 || prefix > (family === 4 ? 32 : 128)) return undefined;
  const list = new BlockList();
  list.addSubnet(address, prefix, family === 4 ? "ipv4" : "ipv6");
  return {
    contains: (candidate) =>
      isIP(candidate) === 4
        ? list.check(candidate, "ipv4") || list.check(`::ffff:${candidate}`, "ipv6")
        : list.check(candidate, "ipv6"),
  };
}
