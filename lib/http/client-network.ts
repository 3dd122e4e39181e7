import { type AddressList, type ClientTrace, isPrivateAddress, traceClient } from './address'
import type { HeaderReader } from './api-request'
import { isPrivateHost } from './host'
import { networkOf } from './ip'
import { isForwarded } from './peer'

export interface NetworkFinderOptions {
  trustedProxies: AddressList
  /**
   * `PUBLIC_ORIGIN`, and where it is not set in local mode, this machine's names beside its
   * address.
   */
  ownOrigins: ReadonlySet<string>
  /**
   * Receives one message per finder: the first request that shows that `TRUSTED_PROXIES` is wrong.
   */
  warn: (message: string) => void
}

/**
 * The network of a client, as `networkOf` names it; null when it is unknown, which is never the
 * same network.
 */
export interface FindNetwork {
  (headers: HeaderReader, client: ClientTrace): string | null
  /**
   * Looks at a request for the sake of the warning alone. Costs nothing once the warning was given.
   */
  watch(headers: HeaderReader): void
}

type Misfit = 'undeclared_proxy' | 'private_peer' | 'silent_proxy'

const EFFECT = 'Until then the network of its clients is unknown: they have to type the number.'

const MESSAGES: Record<Misfit, string> = {
  undeclared_proxy:
    'TRUSTED_PROXIES: a peer that is not in it sent Forwarded, X-Forwarded-* or X-Real-IP. ' +
    `If it is a proxy of yours, add its address. ${EFFECT}`,
  private_peer:
    'TRUSTED_PROXIES: a peer that is not in it has a private or loopback address, while PUBLIC_ORIGIN is public. ' +
    `If it is a proxy of yours, add its address, and let it send X-Forwarded-For. ${EFFECT}`,
  silent_proxy:
    'TRUSTED_PROXIES: a proxy in it sent no address of a client in X-Forwarded-For, but proxies only or nothing. ' +
    `Configure the proxy to send it, or remove from TRUSTED_PROXIES what is no proxy. ${EFFECT}`,
}

/**
 * Creates the finder of this process. It fails closed: behind a proxy that is not declared, all
 * clients would have the proxy's network in common, and the number would never be required.
 */
export function createNetworkFinder({ trustedProxies, ownOrigins, warn }: NetworkFinderOptions): FindNetwork {
  // Where one of them is open within a network only, a private peer is a client like any other.
  const isPublic = ![...ownOrigins].some((origin) => isPrivateHost(new URL(origin).hostname))
  let hasWarned = false

  function refuse(misfit: Misfit): null {
    if (!hasWarned) warn(MESSAGES[misfit])
    hasWarned = true
    return null
  }

  /**
   * Of a peer that is not a trusted proxy. `X-Forwarded-For` itself is not looked at: Next adds
   * one.
   */
  function findOfClient(peer: string, headers: HeaderReader): string | null {
    if (isForwarded(headers)) return refuse('undeclared_proxy')
    if (isPublic && isPrivateAddress(peer)) return refuse('private_peer')
    return networkOf(peer)
  }

  const find = (headers: HeaderReader, client: ClientTrace): string | null => {
    const { peer, isPeerTrusted, address, isProxy, hasMore } = client
    if (peer === null) return null
    if (!isPeerTrusted) return findOfClient(peer, headers)
    if (isProxy) return refuse('silent_proxy')
    // What stands before the client's address was sent by the client: a forger, or a proxy that is
    // not declared.
    return hasMore ? null : networkOf(address)
  }
  return Object.assign(find, {
    watch(headers: HeaderReader) {
      if (!hasWarned) find(headers, traceClient(headers, trustedProxies))
    },
  })
}
