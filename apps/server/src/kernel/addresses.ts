import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6

/**
 * An address or network (CIDR, RFC 4632) in one spelling (RFC 5952 for IPv6), its host bits cleared; IPv4 in IPv6 as IPv4.
 * @returns undefined for anything else, such as octal or shortened IPv4 and addresses with a zone
 */
export function canonical(text: string): string | undefined {
  const [address, prefix, ...more] = text.trim().split('/')
  const parsed = parse(address!)
  if (!parsed || more.length || address!.includes('%')) return undefined
  const mapped = parsed instanceof ipaddr.IPv6 && parsed.isIPv4MappedAddress()
  const plain = mapped ? parsed.toIPv4Address() : parsed
  if (prefix === undefined) return plain.toString()
  if (!/^\d{1,3}$/.test(prefix)) return undefined
  const most = plain instanceof ipaddr.IPv4 ? 32 : 128,
    bits = mapped ? Number(prefix) - 96 : Number(prefix)
  if (bits < 0 || bits > most) return undefined
  const cidr = `${plain.toString()}/${bits}`
  const network =
    plain instanceof ipaddr.IPv4 ? ipaddr.IPv4.networkAddressFromCIDR(cidr) : ipaddr.IPv6.networkAddressFromCIDR(cidr)
  return bits === most ? network.toString() : `${network.toString()}/${bits}`
}

/**
 * Whether the address equals one of these or lies in one of these networks, all canonical. A text that is no address is
 * in none.
 */
export function isAmong(address: string, ranges: readonly string[]) {
  const parsed = parse(address.replace(/%.*$/, ''))
  if (!parsed) return false
  const plain = parsed instanceof ipaddr.IPv6 && parsed.isIPv4MappedAddress() ? parsed.toIPv4Address() : parsed
  return ranges.some((range) => {
    const [network, bits] = range.includes('/') ? ipaddr.parseCIDR(range) : [ipaddr.parse(range), undefined]
    return network.kind() === plain.kind() && plain.match(network, bits ?? (network.kind() === 'ipv4' ? 32 : 128))
  })
}

/**
 * What an address is counted as: itself or, for IPv6, its /64, because one machine can have every address of it (RFC
 * 4291 §2.5.4).
 */
export function networkOf(address: string) {
  const plain = canonical(address.replace(/%.*$/, '')) ?? address
  return plain.includes(':') ? canonical(`${plain}/64`)! : plain
}

function parse(text: string): Address | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text)
  return text.includes(':') && ipaddr.IPv6.isValid(text) ? ipaddr.IPv6.parse(text) : undefined
}
