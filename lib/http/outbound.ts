import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { AddressList } from './address'
import { plainAddress } from './ip'

/** Responses are small documents: a person, a key set, the metadata of a provider. */
const MAX_BYTES = 256 * 1024

/**
 * Addresses that are not globally reachable (IANA special-purpose address registries, RFC 6890),
 * multicast, and prefixes that embed an IPv4 address (NAT64, 6to4, Teredo), which would reach one.
 * Of IPv6 only 2000::/3 is global unicast.
 */
const SPECIAL = new AddressList([
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
  '::/3',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
  '4000::/2',
  '8000::/1',
])

/** Why a request to another server gave no response. */
export type OutboundFailure = 'address_refused' | 'unreachable' | 'timeout' | 'too_large'

/** Contains the host, and neither path, query nor body: they may hold secrets. */
export class OutboundError extends Error {
  readonly reason: OutboundFailure

  constructor(reason: OutboundFailure, host: string, options?: ErrorOptions) {
    super(`${host}: ${MESSAGES[reason]}`, options)
    this.name = 'OutboundError'
    this.reason = reason
  }
}

const MESSAGES: Record<OutboundFailure, string> = {
  address_refused:
    'the address is not public, or is reached without TLS. OUTBOUND_ALLOW lists the addresses for which that is right',
  unreachable: 'no response',
  timeout: 'no complete response before the deadline',
  too_large: `the response is larger than ${MAX_BYTES / 1024} KB`,
}

/** The part of `fetch` that is used: a body is text, a response is read whole. */
export type OutboundFetch = (url: string | URL, init?: OutboundInit) => Promise<Response>

export interface OutboundInit {
  method?: string
  headers?: Record<string, string>
  body?: string
  /** Ends the request, DNS lookup included. */
  signal?: AbortSignal
  /** The response has no body: the connection is closed when its headers have arrived. */
  discardsBody?: boolean
}

type Allowed = Pick<AddressList, 'has'>

export interface OutboundOptions {
  /** Addresses that need not be public, and may be reached by http. */
  allow: Allowed
  /** By default the lookup of the system. */
  lookup?: typeof systemLookup
}

/**
 * Requests to servers that the settings name: a provider, an endpoint of the team, a key set. Every
 * address that a name resolves to is checked, and the connection goes to the checked one (no DNS
 * rebinding). Redirects are not followed: the caller gets the 3xx.
 * @throws OutboundError, from the returned function.
 */
export function createOutboundFetch({ allow, lookup = systemLookup }: OutboundOptions): OutboundFetch {
  return async (url, { method = 'GET', headers = {}, body, signal, discardsBody = false } = {}) => {
    const target = new URL(url)
    const { hostname, protocol, host } = target
    const isTls = protocol === 'https:'
    if (!isTls && protocol !== 'http:') throw new OutboundError('address_refused', host)
    const isAllowed = (address: string) => mayReach(address, isTls, allow)
    const literal = hostname.replace(/^\[|\]$/g, '')
    // A literal address is connected to without a lookup.
    if (isIP(literal) !== 0 && !isAllowed(literal)) throw new OutboundError('address_refused', host)
    const outgoing = (isTls ? httpsRequest : httpRequest)(target, {
      method,
      headers: body === undefined ? headers : { ...headers, 'Content-Length': String(Buffer.byteLength(body)) },
      agent: false,
      lookup: guardedLookup(lookup, isAllowed, host),
      ...(signal === undefined ? {} : { signal }),
    })
    try {
      return await exchange(outgoing, body, { host, discardsBody })
    } catch (error) {
      if (error instanceof OutboundError) throw error
      throw new OutboundError(signal?.aborted === true ? 'timeout' : 'unreachable', host, { cause: error })
    } finally {
      outgoing.destroy()
    }
  }
}

function mayReach(address: string, isTls: boolean, allow: Allowed): boolean {
  const plain = plainAddress(address)
  if (plain === null) return false
  return allow.has(plain) || (isTls && !SPECIAL.has(plain))
}

function guardedLookup(
  lookup: typeof systemLookup,
  isAllowed: (address: string) => boolean,
  host: string,
): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found: LookupAddress[]) => {
      if (error !== null) return callback(error, '', 0)
      const refused = found.length === 0 || !found.every(({ address }) => isAllowed(address))
      if (refused) return callback(new OutboundError('address_refused', host), '', 0)
      const [first] = found as [LookupAddress, ...LookupAddress[]]
      return options.all === true ? callback(null, found) : callback(null, first.address, first.family)
    })
  }
}

function exchange(
  outgoing: ClientRequest,
  body: string | undefined,
  { host, discardsBody }: { host: string; discardsBody: boolean },
): Promise<Response> {
  return new Promise((resolve, reject) => {
    let hasResponse = false
    outgoing.once('error', reject)
    // Node reports no error for a 101 that was not requested.
    outgoing.once('upgrade', () => reject(new OutboundError('unreachable', host)))
    outgoing.once('close', () => {
      if (!hasResponse) reject(new OutboundError('unreachable', host))
    })
    outgoing.once('response', (incoming) => {
      hasResponse = true
      const read = discardsBody ? Promise.resolve(new Uint8Array()) : readAll(incoming, host)
      read.then((bytes) => toResponse(incoming, bytes)).then(resolve, reject)
    })
    outgoing.end(body)
  })
}

async function readAll(incoming: IncomingMessage, host: string): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of incoming as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength
    if (size > MAX_BYTES) throw new OutboundError('too_large', host)
    chunks.push(chunk)
  }
  return new Uint8Array(Buffer.concat(chunks))
}

/** @throws RangeError for a status that is none, such as 999. */
function toResponse({ statusCode = 0, rawHeaders }: IncomingMessage, bytes: Uint8Array<ArrayBuffer>): Response {
  const headers = new Headers()
  for (let index = 0; index < rawHeaders.length; index += 2) {
    headers.append(rawHeaders[index] ?? '', rawHeaders[index + 1] ?? '')
  }
  const hasBody = statusCode !== 204 && statusCode !== 205 && statusCode !== 304
  return new Response(hasBody ? bytes : null, { status: statusCode, headers })
}
