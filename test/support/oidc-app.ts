import * as oidc from 'openid-client'
import type { AppServer } from './app-server'
import { openWithPhone, type PhoneSignIn, type UserAgent } from './user-agent'

export const CLIENT_SECRET = 'a-secret-of-a-test-that-is-long-enough'

/** The metadata of a client whose pages nobody visits. */
export const clientOf = (id: string, changed: object = {}) => ({
  client_id: id,
  client_secret: CLIENT_SECRET,
  client_name: id[0]?.toUpperCase() + id.slice(1),
  redirect_uris: [`https://${id}.example.com/callback`],
  post_logout_redirect_uris: [`https://${id}.example.com/`],
  grant_types: ['authorization_code', 'refresh_token'],
  ...changed,
})

/** An app on openid-client, as its server and as the links on its pages. */
export class OidcApp {
  readonly id: string
  readonly config: oidc.Configuration

  private constructor(id: string, config: oidc.Configuration) {
    this.id = id
    this.config = config
  }

  static async discover({ issuer }: Pick<AppServer, 'issuer'>, id: string): Promise<OidcApp> {
    const options = { execute: [oidc.allowInsecureRequests] }
    return new OidcApp(id, await oidc.discovery(new URL(issuer), id, CLIENT_SECRET, undefined, options))
  }

  get redirectUri(): string {
    return `https://${this.id}.example.com/callback`
  }

  /** Where the app sends a browser. `parameters`: besides those of every request. */
  async begin(parameters: Record<string, string> = {}): Promise<{ url: string; verifier: string }> {
    const verifier = oidc.randomPKCECodeVerifier()
    const { href } = oidc.buildAuthorizationUrl(this.config, {
      redirect_uri: this.redirectUri,
      scope: 'openid profile email groups',
      state: 'state',
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...parameters,
    })
    return { url: href, verifier }
  }

  /** The whole way, by scan or without. Throws where the app gets an error. */
  async signIn(
    computer: UserAgent,
    phone: UserAgent,
    parameters: Record<string, string> = {},
  ): Promise<{ tokens: Tokens; signIn: PhoneSignIn | null }> {
    const { url, verifier } = await this.begin(parameters)
    const { url: callback, signIn } = await openWithPhone(computer, phone, url, (at) => at.startsWith(this.redirectUri))
    const checks = { pkceCodeVerifier: verifier, expectedState: 'state', idTokenExpected: true }
    return { tokens: await oidc.authorizationCodeGrant(this.config, new URL(callback), checks), signIn }
  }

  /** The status and the error of a refused refresh; null if it is not refused. */
  async tryRefresh(refreshToken: string): Promise<{ status: number; error: string } | null> {
    try {
      await oidc.refreshTokenGrant(this.config, refreshToken)
      return null
    } catch (error) {
      const { status = 0, error: code = '' } = error as { status?: number; error?: string }
      return { status, error: code }
    }
  }

  /** Whether the access token is good. */
  async isActive(token: string): Promise<boolean> {
    return (await oidc.tokenIntrospection(this.config, token)).active
  }
}

export type Tokens = oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers
