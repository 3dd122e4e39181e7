import {
  AuthorizationResponseError,
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  buildEndSessionUrl,
  ClientError,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  calculatePKCECodeChallenge,
  clockTolerance,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  fetchUserInfo,
  None,
  ResponseBodyError,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
  type ServerMetadata,
} from 'openid-client'
import type { Person } from '../core/account/person'
import { toPerson } from './claims'
import type { Fetch } from './endpoint'

/**
 * Each request to the provider. A sign-in makes two or three, after the person has waited for it.
 */
const DEADLINE_MS = 3_000

/** Metadata older than this is fetched again, in the background. */
const REFRESH_AT_MS = 10 * 60_000

/** How soon a fetch that failed is tried again. In between no request waits for it. */
const RETRY_MS = 2_000

const CLOCK_TOLERANCE_S = 60

export interface OidcSettings {
  issuer: string
  clientId: string
  /** Null: a public client. */
  clientSecret: string | null
  scopes: string
  /** On the button. */
  name: string
  /** The claims that become the id and the groups of a person. */
  idClaim: string
  groupsClaim: string
}

export interface OidcProviderOptions {
  settings: OidcSettings
  /** Where the provider sends the browser back to. */
  redirectUri: string
  /** Where the provider may send the browser after a sign-out. */
  signedOutUri: string
  fetch: Fetch
  /** In ms. Only differences count. */
  monotonicMs: () => number
  /** Receives what went wrong at the provider: messages without tokens, codes or claims. */
  onError: (error: Error) => void
}

/** What the browser that began a sign-in has to present when it comes back. */
export interface PendingSignIn {
  state: string
  nonce: string
  codeVerifier: string
}

/**
 * Why a sign-in at the provider led to no person. `denied`: the person cancelled, or the provider
 * refused. `rejected`: the response is not one that this browser has requested, or names no
 * usable person. `unavailable`: the provider did not answer in time.
 */
export type SignInFailure = 'denied' | 'rejected' | 'unavailable'

export class ProviderError extends Error {
  readonly failure: SignInFailure

  constructor(failure: SignInFailure, message: string) {
    super(message)
    this.name = 'ProviderError'
    this.failure = failure
  }
}

/** Errors of RFC 6749, section 4.1.2.1, and OpenID Connect Core, section 3.1.2.6, that are a no. */
const DENIALS = new Set([
  'access_denied',
  'login_required',
  'interaction_required',
  'consent_required',
  'account_selection_required',
])

/**
 * The team's OpenID provider: authorization code flow with PKCE (RFC 7636), `state`, `nonce` and
 * the `iss` of the response (RFC 9207); the ID token's signature is verified too.
 */
export class OidcProvider {
  readonly #options: OidcProviderOptions
  #configuration: Configuration | null = null
  #fetchedAt = Number.NEGATIVE_INFINITY
  #triedAt = Number.NEGATIVE_INFINITY
  #fetching: Promise<void> | null = null

  constructor(options: OidcProviderOptions) {
    this.#options = options
  }

  /** On the button. */
  get name(): string {
    return this.#options.settings.name
  }

  /** Fetches the metadata before the first person needs it. Never throws. */
  async warmUp(): Promise<void> {
    await this.#refresh()
  }

  /** @throws ProviderError `unavailable` while the provider's metadata is unknown. */
  async begin(): Promise<{ url: string; pending: PendingSignIn }> {
    const { settings, redirectUri } = this.#options
    const configuration = await this.#getConfiguration()
    const pending = { state: randomState(), nonce: randomNonce(), codeVerifier: randomPKCECodeVerifier() }
    const url = buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope: settings.scopes,
      state: pending.state,
      nonce: pending.nonce,
      code_challenge: await calculatePKCECodeChallenge(pending.codeVerifier),
      code_challenge_method: 'S256',
    })
    return { url: url.href, pending }
  }

  /**
   * The person that the provider names. `query`: of the URL that the browser came back to.
   * @throws ProviderError
   */
  async finish(query: URLSearchParams, pending: PendingSignIn): Promise<Person> {
    const configuration = await this.#getConfiguration()
    try {
      const person = await this.#exchange(configuration, query, pending)
      if (person !== null) return person
    } catch (error) {
      throw this.#toProviderError(error)
    }
    throw new ProviderError('rejected', 'the claims name no usable person')
  }

  /** Where the person may also sign out at the provider; null if its metadata has no valid
   * `end_session_endpoint`. */
  signOutUrl(): string | null {
    const configuration = this.#configuration
    if (configuration?.serverMetadata().end_session_endpoint === undefined) return null
    try {
      return buildEndSessionUrl(configuration, { post_logout_redirect_uri: this.#options.signedOutUri }).href
    } catch {
      return null
    }
  }

  async #exchange(
    configuration: Configuration,
    query: URLSearchParams,
    { state, nonce, codeVerifier }: PendingSignIn,
  ): Promise<Person | null> {
    const { redirectUri, settings } = this.#options
    const url = new URL(redirectUri)
    url.search = query.toString()
    const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: codeVerifier, idTokenExpected: true }
    const tokens = await authorizationCodeGrant(configuration, url, checks)
    const idToken = tokens.claims()
    if (idToken === undefined) return null
    const userInfo = await this.#readUserInfo(configuration, tokens.access_token, idToken.sub)
    // An address and whether it is verified belong together: both are of one document.
    const { email, email_verified } = idToken.email === undefined ? userInfo : idToken
    const claims = { ...userInfo, ...idToken, email, email_verified }
    // An address that is not verified can be anyone's.
    if (settings.idClaim === 'email' && claims.email_verified !== true) return null
    return toPerson(claims, { id: settings.idClaim, groups: settings.groupsClaim })
  }

  /**
   * Claims that are not in the ID token. A failure is thrown: without them the person would lose
   * name and groups.
   */
  async #readUserInfo(
    configuration: Configuration,
    accessToken: string,
    sub: string,
  ): Promise<Record<string, unknown>> {
    if (configuration.serverMetadata().userinfo_endpoint === undefined) return {}
    try {
      return await fetchUserInfo(configuration, accessToken, sub)
    } catch (error) {
      throw new ProviderError('unavailable', `userinfo: ${toMessage(error)}`)
    }
  }

  async #getConfiguration(): Promise<Configuration> {
    const { monotonicMs } = this.#options
    const isStale = monotonicMs() - this.#fetchedAt >= REFRESH_AT_MS
    const mayTry = this.#fetching !== null || monotonicMs() - this.#triedAt >= RETRY_MS
    const refreshing = isStale && mayTry ? this.#refresh() : null
    if (this.#configuration === null) await refreshing
    if (this.#configuration === null) throw new ProviderError('unavailable', 'no metadata')
    return this.#configuration
  }

  #refresh(): Promise<void> {
    this.#fetching ??= this.#fetchMetadata().finally(() => {
      this.#fetching = null
    })
    return this.#fetching
  }

  async #fetchMetadata(): Promise<void> {
    const { settings, fetch, monotonicMs, onError } = this.#options
    this.#triedAt = monotonicMs()
    const issuer = new URL(settings.issuer)
    const isPlain = issuer.protocol === 'http:'
    const guarded = toCustomFetch(fetch)
    try {
      const found = await discovery(issuer, settings.clientId, undefined, None(), {
        [customFetch]: guarded,
        timeout: DEADLINE_MS / 1000,
        execute: isPlain ? [allowInsecureRequests] : [],
      })
      const metadata = found.serverMetadata()
      const configuration = new Configuration(
        metadata,
        settings.clientId,
        { [clockTolerance]: CLOCK_TOLERANCE_S },
        toClientAuth(settings.clientSecret, metadata),
      )
      configuration[customFetch] = guarded
      configuration.timeout = DEADLINE_MS / 1000
      if (isPlain) allowInsecureRequests(configuration)
      enableNonRepudiationChecks(configuration)
      // Throws for metadata without a valid authorization endpoint; the previous configuration
      // stays.
      buildAuthorizationUrl(configuration, {})
      this.#configuration = configuration
      this.#fetchedAt = monotonicMs()
    } catch (error) {
      onError(new Error(`discovery: ${toMessage(error)}`))
    }
  }

  #toProviderError(error: unknown): ProviderError {
    const message = toMessage(error)
    this.#options.onError(new Error(`sign-in: ${message}`))
    return new ProviderError(failureOf(error), message)
  }
}

function failureOf(error: unknown): SignInFailure {
  if (error instanceof AuthorizationResponseError) {
    if (DENIALS.has(error.error)) return 'denied'
    return /^(server_error|temporarily_unavailable)$/.test(error.error) ? 'unavailable' : 'rejected'
  }
  if (error instanceof ResponseBodyError) return error.status >= 500 ? 'unavailable' : 'rejected'
  return error instanceof ClientError && !isNoResponse(error) ? 'rejected' : 'unavailable'
}

/** No response arrived, or that of a proxy in front of a provider that is down. */
function isNoResponse({ code, cause }: ClientError): boolean {
  if (code === 'OAUTH_TIMEOUT' || cause instanceof FetchError) return true
  return cause instanceof Response && cause.status >= 500
}

/** Wraps what `Fetch` throws, so that it differs from the errors of the library. */
class FetchError extends Error {
  constructor(cause: unknown) {
    super('no response', { cause })
    this.name = 'FetchError'
  }
}

/** Without the cause, which may hold tokens and claims. */
function toMessage(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const code = 'code' in error && typeof error.code === 'string' ? ` (${error.code})` : ''
  const detail =
    error instanceof AuthorizationResponseError || error instanceof ResponseBodyError ? `: ${error.error}` : ''
  return `${error.message}${code}${detail}`
}

/** `client_secret_basic` is the default of OpenID Connect Core, section 9. */
function toClientAuth(secret: string | null, { token_endpoint_auth_methods_supported: methods }: ServerMetadata) {
  if (secret === null) return None()
  const isBasic = methods === undefined || methods.includes('client_secret_basic')
  return isBasic ? ClientSecretBasic(secret) : ClientSecretPost(secret)
}

function toCustomFetch(fetch: Fetch) {
  return async (url: string, { method, headers, body, signal }: CustomFetchOptions): Promise<Response> => {
    try {
      return await fetch(url, {
        method,
        headers,
        ...(body === undefined || body === null ? {} : { body: String(body) }),
        ...(signal === undefined ? {} : { signal }),
      })
    } catch (error) {
      throw new FetchError(error)
    }
  }
}

interface CustomFetchOptions {
  method: string
  headers: Record<string, string>
  body?: unknown
  signal?: AbortSignal
}
