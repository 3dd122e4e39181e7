import { writePeer } from '../../lib/http/peer'

/** Headers as our server passes them on: names in lower case, and the address of the peer. */
export function fromPeer(address: string | undefined, headers: Record<string, string> = {}): Record<string, string> {
  const given = Object.fromEntries(new Headers(headers))
  writePeer(given, address)
  return given
}
