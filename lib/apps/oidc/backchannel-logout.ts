import { createHash } from 'node:crypto'
import { importJWK, SignJWT } from 'jose'
import type { OutboxEvent } from '../../core/outbox/event'
import type { Delivery } from '../../core/outbox/outbox-store'
import type { ClientRegistry } from '../client-registry'
import type { DeliveryTry, OutboxTarget, PostFetch } from '../outbox/target'
import type { Authorizations } from './authorizations'
import type { SigningKeys } from './signing-keys'

/** How long an app is told of the end of a session, if it does not answer. */
export const LOGOUT_LIFE_MS = 24 * 3_600_000

/** How long a logout token is good (OpenID Connect Back-Channel Logout 1.0, section 4). */
const TOKEN_S = 120

const ENDPOINT = 'app '
const EVENT = 'http://schemas.openid.net/event/backchannel-logout'

export interface BackchannelLogoutOptions {
  registry: ClientRegistry
  authorizations: Authorizations
  signingKeys: SigningKeys
  issuer: string
  fetch: PostFetch
  /** Epoch ms, as the machine's clock has it. */
  wall: () => number
}

/**
 * Tells each app of a session that has ended (OpenID Connect Back-Channel Logout 1.0). The app
 * finds its own sessions by `sid`.
 */
export class BackchannelLogout implements OutboxTarget {
  readonly lifeMs = LOGOUT_LIFE_MS
  readonly #options: BackchannelLogoutOptions

  constructor(options: BackchannelLogoutOptions) {
    this.#options = options
  }

  async deliveriesOf(event: OutboxEvent): Promise<readonly Delivery[]> {
    if (event.type !== 'session.revoked') return []
    const { authorizations, registry } = this.#options
    const known = await authorizations.list(event.session.id)
    return known.flatMap(({ clientId, sid }) => {
      const client = registry.find(clientId)
      // An unknown one may be in a newer file, which another process has read.
      const isTold = client === null || client.backchannel_logout_uri !== undefined
      return isTold ? [{ endpoint: ENDPOINT + clientId, detail: sid }] : []
    })
  }

  owns(endpoint: string): boolean {
    return endpoint.startsWith(ENDPOINT)
  }

  /** @throws an error without the token if the app does not take it. */
  async send({ endpoint, event, detail, signal }: DeliveryTry): Promise<'delivered' | 'gone'> {
    const { registry, fetch } = this.#options
    const client = registry.find(endpoint.slice(ENDPOINT.length))
    if (client === null) throw new Error('the app is not in the clients file')
    // Its endpoint has left the file.
    if (client.backchannel_logout_uri === undefined || detail === null) return 'gone'
    const token = await this.#sign(client.client_id, client.id_token_signed_response_alg, event, detail)
    const { status } = await fetch(client.backchannel_logout_uri, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ logout_token: token }).toString(),
      signal,
      discardsBody: true,
    })
    if (status === 200 || status === 204) return 'delivered'
    throw new Error(`the app answered ${status}`)
  }

  async #sign(audience: string, algorithm: string, event: OutboxEvent, sid: string): Promise<string> {
    const { signingKeys, issuer, wall } = this.#options
    // The first key of an algorithm signs.
    const key = (await signingKeys.load()).find(({ alg }) => alg === algorithm)
    if (key === undefined) throw new Error(`no key signs with ${algorithm}`)
    const now = Math.floor(wall() / 1000)
    return await new SignJWT({ sid, events: { [EVENT]: {} } })
      .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'logout+jwt' })
      .setIssuer(issuer)
      .setSubject(event.personId)
      .setAudience(audience)
      .setIssuedAt(now)
      .setExpirationTime(now + TOKEN_S)
      // The same for every try: an app can tell a repeat. Event ids contain the id of our session.
      .setJti(createHash('sha256').update(`${event.id} ${audience}`).digest('base64url'))
      .sign(await importJWK(key, key.alg))
  }
}
