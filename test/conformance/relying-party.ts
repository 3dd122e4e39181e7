import { randomBytes } from 'node:crypto'
import type { JSONWebKeySet, JWTPayload } from 'jose'
import { expect } from 'vitest'
import { checkCode, checkIdToken, checkTokens, type Metadata, parseCallback, type TokenResponse } from './checks'
import {
  BASIC,
  CALLBACK,
  type Landing,
  type PersonBrowser,
  type RegisteredClient,
  SIGNED_OUT,
  type Target,
} from './target'

/** Parameters of a request; null leaves a default out. */
export type Parameters = Record<string, string | null>

/** An authorization response with a code. */
export interface Authorization {
  code: string
  nonce: string | null
  wasAsked: boolean
}

/** The tokens of a code that were found valid. */
export interface Tokens {
  access: string
  refresh: string | null
  idToken: string
  claims: JWTPayload
}

const random = (bytes: number) => randomBytes(bytes).toString('base64url')

/** A client of the provider under test, with the checks that every response has to pass. */
export class RelyingParty {
  readonly metadata: Metadata
  readonly keys: JSONWebKeySet
  readonly client: RegisteredClient

  private constructor(metadata: Metadata, keys: JSONWebKeySet, client: RegisteredClient) {
    this.metadata = metadata
    this.keys = keys
    this.client = client
  }

  static async discover({ issuer }: Target, client = BASIC): Promise<RelyingParty> {
    const response = await fetch(`${issuer}/.well-known/openid-configuration`)
    expect(response.status).toBe(200)
    const metadata = (await response.json()) as Metadata
    const keys = (await (await fetch(metadata.jwks_uri)).json()) as JSONWebKeySet
    const ids = keys.keys.map(({ kid }) => kid)
    expect(ids).toEqual([...new Set(ids)])
    return new RelyingParty(metadata, keys, client)
  }

  /** The parameters of an authorization request, in the order of the suite. */
  toRequest(parameters: Parameters = {}): URLSearchParams {
    const all: Parameters = {
      client_id: this.client.client_id,
      redirect_uri: CALLBACK,
      scope: 'openid',
      state: random(8),
      nonce: random(8),
      response_type: 'code',
      ...parameters,
    }
    return new URLSearchParams(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null))
  }

  /** The address of an authorization request. */
  toUrl(request: URLSearchParams): string {
    return `${this.metadata.authorization_endpoint}?${request}`
  }

  /** An authorization request that may end anywhere. */
  async open(browser: PersonBrowser, parameters: Parameters = {}) {
    const request = this.toRequest(parameters)
    return { landing: await browser.authorize(this.toUrl(request)), state: request.get('state') }
  }

  /** An authorization request that ends at the callback with an error. */
  async requestError(browser: PersonBrowser, parameters: Parameters = {}): Promise<URLSearchParams> {
    const { landing, state } = await this.open(browser, parameters)
    return parseCallback(landing.url, CALLBACK, this.metadata.issuer, state)
  }

  /** An authorization request that ends with a code. `isPost`: sent as a form. */
  async authorize(browser: PersonBrowser, parameters: Parameters = {}, isPost = false): Promise<Authorization> {
    const request = this.toRequest(parameters)
    const { authorization_endpoint: endpoint, issuer } = this.metadata
    const landing = await (isPost ? browser.authorize(endpoint, request) : browser.authorize(this.toUrl(request)))
    return { ...this.readCode(landing, issuer, request), wasAsked: landing.wasAsked }
  }

  readCode(landing: Landing, issuer: string, request: URLSearchParams) {
    const params = parseCallback(landing.url, CALLBACK, issuer, request.get('state'))
    expect(params.get('error')).toBeNull()
    return { code: checkCode(params), nonce: request.get('nonce') }
  }

  /** A request at the token endpoint, with the client's credentials. */
  async callToken(fields: Record<string, string>): Promise<TokenResponse> {
    const { client_id: id, client_secret: secret, token_endpoint_auth_method: method } = this.client
    const isBasic = method === 'client_secret_basic'
    const body = new URLSearchParams({ ...fields, ...(isBasic ? {} : { client_id: id, client_secret: secret }) })
    const basic = Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')
    const response = await fetch(this.metadata.token_endpoint, {
      method: 'POST',
      body,
      ...(isBasic ? { headers: { Authorization: `Basic ${basic}` } } : {}),
    })
    const { status, headers } = response
    return { status, headers, body: (await response.json()) as Record<string, unknown> }
  }

  exchange(code: string, more: Record<string, string> = {}): Promise<TokenResponse> {
    return this.callToken({ grant_type: 'authorization_code', code, redirect_uri: CALLBACK, ...more })
  }

  refresh(token: string, more: Record<string, string> = {}): Promise<TokenResponse> {
    return this.callToken({ grant_type: 'refresh_token', refresh_token: token, ...more })
  }

  /** Checks a token response. `nonce`: of the authorization request. */
  async readTokens(response: TokenResponse, nonce: string | null): Promise<Tokens> {
    const { access, id } = checkTokens(response)
    const { issuer } = this.metadata
    const checks = { keys: this.keys, issuer, clientId: this.client.client_id, nonce, accessToken: access }
    const claims = await checkIdToken(id, checks)
    const refresh = response.body.refresh_token
    return { access, idToken: id, claims, refresh: typeof refresh === 'string' ? refresh : null }
  }

  /** The whole flow: a request, the code, its tokens, and a call of the userinfo endpoint. */
  async signIn(browser: PersonBrowser, parameters: Parameters = {}): Promise<Tokens & { wasAsked: boolean }> {
    const { code, nonce, wasAsked } = await this.authorize(browser, parameters)
    const tokens = await this.readTokens(await this.exchange(code), nonce)
    expect((await this.callUserinfo(tokens.access)).status).toBe(200)
    return { ...tokens, wasAsked }
  }

  /** A request at the userinfo endpoint, with the token in the header. */
  callUserinfo(accessToken: string, method = 'GET'): Promise<Response> {
    return fetch(this.metadata.userinfo_endpoint, { method, headers: { Authorization: `Bearer ${accessToken}` } })
  }

  /** The address of a sign-out. */
  toSignOutUrl(parameters: Parameters): string {
    const all: Parameters = { post_logout_redirect_uri: SIGNED_OUT, ...parameters }
    const given = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null)
    return `${this.metadata.end_session_endpoint}?${new URLSearchParams(given)}`
  }
}
