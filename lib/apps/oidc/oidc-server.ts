import { setTimeout as pause } from 'node:timers/promises'
import type { ComputerSession } from '../../core/session/session'
import type { Sessions } from '../../core/session/sessions'
import type { Locale } from '../../i18n/catalogue'
import type { ClientRegistry } from '../client-registry'
import { toAuthTime } from './auth-time'
import { callListener, type MemoryResponse, type NodeListener } from './memory-http'
import type { Caller, ProviderOptions, SignOutRequest } from './provider'
import { recordKeyOf } from './record-key'
import { RequestScope, runInScope } from './request-scope'
import type { SigningKey, SigningKeys } from './signing-keys'

export interface OidcServerOptions extends Omit<ProviderOptions, 'clients' | 'keys'> {
  registry: ClientRegistry
  signingKeys: SigningKeys
  sessions: Sessions
  onError: (error: unknown) => void
}

/** A request of the provider, without what it does not need to know. */
export interface OidcRequest {
  method: string
  /** Below the issuer, with the query. */
  url: string
  /** By lower-case name. Missing ones are null. */
  headers: { authorization: string | null; contentType: string | null }
  body: string
  /** The id of the live session of this browser; null: nobody is signed in. */
  sessionId: string | null
  /** The hash of the secret that the browser carries for apps. */
  browserHash: string
  /** What the person reads. */
  locale: Locale
  /** The request of an app that goes on; null: another path. */
  resumes: string | null
}

export interface OidcResponse extends MemoryResponse {
  signOut: SignOutRequest | null
}

/** How often the keys in the store are compared with those of this process, in ms. */
const KEYS_EVERY_MS = 60_000

/** How long after a failure of the store the preparation is tried again, in ms. */
const PREPARE_AGAIN_MS = 1_000

/**
 * The OpenID provider as the API calls it. What of a request reaches oidc-provider is written here:
 * neither its host, nor its cookies.
 */
export class OidcServer {
  readonly #options: OidcServerOptions
  #built: { keys: readonly SigningKey[]; listener: NodeListener } | null = null
  #building: Promise<NodeListener> | null = null
  #isClosed = false
  readonly #timer: NodeJS.Timeout
  readonly #stopListening: () => void

  constructor(options: OidcServerOptions) {
    this.#options = options
    this.#timer = setInterval(() => this.#refresh(), KEYS_EVERY_MS)
    this.#timer.unref()
    this.#stopListening = options.registry.onChange(() => {
      this.#built = null
    })
    void this.#prepare()
  }

  /** Resolves when oidc-provider is loaded and has keys: making them takes a second or two. */
  async ready(): Promise<void> {
    await this.#listener()
  }

  /**
   * Answers as oidc-provider does, without its cookies.
   * @throws a failure of the store.
   */
  async respond(request: OidcRequest): Promise<OidcResponse> {
    const { method, url, headers, body, sessionId, browserHash, locale, resumes } = request
    const { sessions, authorizations, now, publicOrigin } = this.#options
    const listener = await this.#listener()
    const caller: Caller = { browserHash, locale, signOut: null, failure: null }
    const cookies = [
      ...(sessionId === null ? [] : [`_session=${sessionId}`]),
      ...(resumes === null ? [] : [`_interaction_resume=${resumes}`]),
    ]
    const { host, protocol } = new URL(publicOrigin)
    const sent = Object.entries({
      host,
      authorization: headers.authorization,
      'content-type': headers.contentType,
      cookie: cookies.length === 0 ? null : cookies.join('; '),
    }).filter((entry): entry is [string, string] => entry[1] !== null)
    const scope = new RequestScope(now(), { sessions, authorizations })
    const response = await runInScope(scope, () =>
      callListener(listener, {
        method,
        url,
        mountPath: '/oidc',
        headers: Object.fromEntries(sent),
        body,
        isEncrypted: protocol === 'https:',
        caller,
      }),
    )
    if (caller.failure !== null) throw caller.failure.error
    return { ...response, signOut: caller.signOut }
  }

  /** Lets the request of an app go on with this session, or end with an error. */
  async finish(interaction: string, result: { session: ComputerSession } | { error: 'access_denied' }): Promise<void> {
    const { records, now } = this.#options
    const key = recordKeyOf('Interaction', interaction)
    const found = await records.findRecord(key, now())
    if (found === null) return
    // The session before is another one, or none.
    const { session: _, ...rest } = JSON.parse(found.data) as Record<string, unknown>
    const data = JSON.stringify({ ...rest, result: toResult(result, now()) })
    await records.putRecord({ key, data, expiresAt: found.expiresAt, group: found.group }, now())
  }

  /**
   * The person whom the sign-in for this request was for. Null: nobody has signed in for it, or it
   * was declined.
   */
  async findSignedIn(interaction: string): Promise<string | null> {
    const { records, now } = this.#options
    const found = await records.findRecord(recordKeyOf('Interaction', interaction), now())
    const { result } = JSON.parse(found?.data ?? '{}') as { result?: { login?: { accountId: string } } }
    return result?.login?.accountId ?? null
  }

  close(): void {
    this.#isClosed = true
    clearInterval(this.#timer)
    this.#stopListening()
  }

  /** Loading oidc-provider and making the first keys may take longer than a request may. */
  async #prepare(): Promise<void> {
    while (!this.#isClosed) {
      try {
        await this.#listener()
        return
      } catch {
        // The store reports its failures itself.
        await pause(PREPARE_AGAIN_MS, undefined, { ref: false })
      }
    }
  }

  /** Reads the keys anew. Errors are reported: the keys that are known stay in use. */
  async #refresh(): Promise<void> {
    try {
      const keys = await this.#options.signingKeys.load()
      if (this.#built !== null && this.#built.keys !== keys) this.#built = null
    } catch (error) {
      this.#options.onError(error)
    }
  }

  async #listener(): Promise<NodeListener> {
    if (this.#built !== null) return this.#built.listener
    this.#building ??= this.#build().finally(() => {
      this.#building = null
    })
    return await this.#building
  }

  /** oidc-provider is loaded here: processes without apps do without it. */
  async #build(): Promise<NodeListener> {
    const { registry, signingKeys } = this.#options
    const [{ buildProvider }, keys] = await Promise.all([import('./provider'), signingKeys.load()])
    const listener = buildProvider({ ...this.#options, clients: registry.clients, keys })
    this.#built = { keys, listener }
    return listener
  }
}

function toResult(result: { session: ComputerSession } | { error: 'access_denied' }, now: number) {
  if ('error' in result) return { error: result.error, error_description: 'the person declined' }
  const { person, signedInAt, amr } = result.session
  const login = { accountId: person.id, ts: toAuthTime(signedInAt, now), amr, remember: true }
  return { login, consent: {} }
}
