import { createHash } from 'node:crypto'
import { hashBrowserSecret } from '../core/attempt/tokens'
import type { Audit } from '../core/audit'
import { ProtocolError } from '../core/errors'
import type { Keyring } from '../core/keys'
import type { RecordStore } from '../core/record-store'
import type { ComputerSession } from '../core/session/session'
import type { Sessions } from '../core/session/sessions'
import type { AppHosts } from './app-hosts'
import type { AppRequests } from './app-requests'
import { encodeForwardRequest, type ForwardRequest, parseForwardRequest } from './forward-request'

export interface ForwardAuthOptions {
  hosts: AppHosts
  publicOrigin: string
  records: RecordStore
  requests: AppRequests
  sessions: Sessions
  keys: Keyring
  audit: Audit
  now: () => number
  /** 32 random bytes as text. */
  newSecret: () => string
  /** Receives one message per process for each mistake in the configuration of a proxy. */
  warn: (message: string) => void
}

/**
 * How long the address of our page for signing in is valid, in ms. The request that it makes lives
 * longer.
 */
export const ADDRESS_MS = 10 * 60_000
/** How long a browser has to bring the code to the app's host, in ms. */
export const APP_CODE_MS = 60_000

/** What is stored under the hash of a one-time code. */
interface StoredCode extends ForwardRequest {
  sessionId: string
}

/** A browser that has brought its code to the app's host. */
export interface OpenedApp {
  session: ComputerSession
  uri: string
}

/** A mistake in the configuration of a proxy. */
export type ProxyMistake = 'untrusted_peer' | 'unknown_host' | 'wrong_scheme'

const MESSAGES: Record<ProxyMistake, string> = {
  untrusted_peer:
    'FORWARD_AUTH_HOSTS: a peer that is not in TRUSTED_PROXIES asked for forward auth, and was refused. ' +
    'If it is a proxy of yours, add its address.',
  unknown_host:
    'FORWARD_AUTH_HOSTS: a proxy asked for a host that is not listed, or sent no X-Forwarded-Host, and was refused.',
  wrong_scheme:
    'FORWARD_AUTH_HOSTS: a proxy sent no X-Forwarded-Proto, or not the scheme of the app, and was refused. ' +
    'With an https PUBLIC_ORIGIN it has to be https.',
}

/** Sign-ins to apps that know people only by the headers that their proxy adds. */
export class ForwardAuth {
  readonly #options: ForwardAuthOptions
  readonly #warned = new Set<ProxyMistake>()

  constructor(options: ForwardAuthOptions) {
    this.#options = options
  }

  get hosts(): AppHosts {
    return this.#options.hosts
  }

  /** Warns of the mistake once per process. Returns the refusal. */
  refuse(mistake: ProxyMistake): ProtocolError {
    if (!this.#warned.has(mistake)) this.#options.warn(MESSAGES[mistake])
    this.#warned.add(mistake)
    return new ProtocolError('forward_refused')
  }

  /** The address on our origin where the browser that carries the secret `state` signs in. */
  signInUrl({ host, state, uri }: { host: string; state: string; uri: string }): string {
    const { keys, now, publicOrigin } = this.#options
    const request = { host, stateHash: hashBrowserSecret(state), uri }
    return `${publicOrigin}/authz/sign-in?request=${encodeForwardRequest(keys, request, now() + ADDRESS_MS)}`
  }

  /** @throws ProtocolError `interaction_unknown` for a text that is not ours or has expired. */
  requireSigned(text: string): ForwardRequest {
    const { keys, now } = this.#options
    return this.#requireListed(parseForwardRequest(keys, text, now()))
  }

  /** @throws ProtocolError `interaction_unknown`, also for the request of another browser. */
  async requireWaiting(id: string, browserHash: string | null): Promise<ForwardRequest> {
    const { forward = null } = await this.#options.requests.require(id, browserHash)
    return this.#requireListed(forward)
  }

  /**
   * Lets the request wait for a sign-in in this browser. Returns the path of our page for it.
   * @throws FullError if the store has no room.
   */
  async wait(forward: ForwardRequest, browserHash: string): Promise<string> {
    const { requests, newSecret } = this.#options
    const interaction = newSecret()
    const { host } = forward
    const app = { clientId: null, name: host, logoUrl: null, host, scopes: null, interaction }
    await requests.insert({ app, browserHash, forward })
    return `/login?interaction=${interaction}`
  }

  /**
   * Makes a one-time code for the app's host. Returns the address that the browser carries it to.
   * @throws FullError if the store has no room.
   */
  async callbackUrl(forward: ForwardRequest, session: ComputerSession): Promise<string> {
    const { hosts, records, now, newSecret } = this.#options
    const code = newSecret()
    const stored: StoredCode = { ...forward, sessionId: session.id }
    const record = { key: keyOf(code), data: JSON.stringify(stored), expiresAt: now() + APP_CODE_MS, group: null }
    await records.insertRecord(record, now(), 'sign-in')
    return `${hosts.originOf(forward.host)}/.qr-login/callback?code=${code}`
  }

  /** Where a browser goes that was not signed in: the app is not asked again by itself. */
  declinedUrl({ host }: ForwardRequest): string {
    return `${this.#options.hosts.originOf(host)}/.qr-login/callback?error=access_denied`
  }

  /**
   * Exchanges the code. `state`: the secret that this browser carries for the host; null: none. A
   * code that comes from another browser is used up by it.
   * @throws ProtocolError `interaction_unknown`.
   */
  async open(code: string, host: string, state: string | null): Promise<OpenedApp> {
    const { records, sessions, audit, now } = this.#options
    const found = CODE.test(code) ? await records.findRecord(keyOf(code), now()) : null
    if (found === null || !(await records.consumeRecord(keyOf(code), now())))
      throw new ProtocolError('interaction_unknown')
    const stored = JSON.parse(found.data) as StoredCode
    const isOwn = state !== null && hashBrowserSecret(state) === stored.stateHash && stored.host === host
    const session = isOwn ? await sessions.findLive('computer', stored.sessionId) : null
    if (session === null) throw new ProtocolError('interaction_unknown')
    audit({ event: 'app.opened', app: host, session: session.id, person: session.person.id })
    return { session, uri: stored.uri }
  }

  /** The settings may have changed since the request was made. */
  #requireListed(forward: ForwardRequest | null): ForwardRequest {
    if (forward === null || this.#options.hosts.find(forward.host) !== forward.host)
      throw new ProtocolError('interaction_unknown')
    return forward
  }
}

/** The path where a waiting request goes on after the sign-in. */
export function pathOfWaiting(interaction: string): string {
  return `/authz/sign-in/${interaction}`
}

const CODE = /^[\w-]{43}$/

/** A copy of the store contains no codes. */
function keyOf(code: string): string {
  return `app-code ${createHash('sha256').update(code).digest('base64url')}`
}
