import { AppServer } from '../support/app-server'
import { CLIENT_SECRET, clientOf, OidcApp } from '../support/oidc-app'
import { RedisServer } from '../support/redis-server'
import { until } from '../support/until'
import { UpstashServer } from '../support/upstash-server'
import { openWithPhone, signedInPhone, UserAgent } from '../support/user-agent'

const CLIENTS = [clientOf('wiki', { first_party: true })]

/** Fields of a request at the token endpoint. */
export type Fields = Record<string, string>

export interface TokenResult {
  status: number
  error?: string
  access_token?: string
  refresh_token?: string
}

/** What a store needs, and how it ends. */
interface Stage {
  servers: AppServer[]
  stop(): Promise<void>
}

/** The embedded store serves one process. */
async function startSqlite(): Promise<Stage> {
  return { servers: [await AppServer.start({ clients: CLIENTS })], stop: async () => {} }
}

async function startShared(env: Record<string, string>): Promise<AppServer[]> {
  const shared = { ...env, REDIS_PREFIX: 'races:' }
  const first = await AppServer.start({ clients: CLIENTS, env: shared })
  const others = { ...shared, PUBLIC_ORIGIN: first.origin }
  const start = () => AppServer.start({ clients: CLIENTS, env: others })
  return [first, await start(), await start()]
}

async function startTcp(): Promise<Stage> {
  const redis = await RedisServer.start()
  return { servers: await startShared({ REDIS_URL: redis.url }), stop: () => redis.dispose() }
}

async function startHttp(): Promise<Stage> {
  const redis = await RedisServer.start()
  const upstash = await UpstashServer.start(redis.port)
  const env = { UPSTASH_REDIS_REST_URL: upstash.url, UPSTASH_REDIS_REST_TOKEN: upstash.token }
  const stop = async () => {
    await upstash.stop()
    await redis.dispose()
  }
  return { servers: await startShared(env), stop }
}

/** What the races run on. */
export const STAGES = {
  SQLite: startSqlite,
  'three instances on Redis': startTcp,
  'three instances on Redis over HTTP': startHttp,
}

/** Instances on one store, and an app that is signed in to at any of them. */
export class Arena {
  readonly #stage: Stage
  readonly #app: OidcApp
  readonly #phone: UserAgent

  private constructor(stage: Stage, app: OidcApp, phone: UserAgent) {
    this.#stage = stage
    this.#app = app
    this.#phone = phone
  }

  static async open(start: () => Promise<Stage>): Promise<Arena> {
    const stage = await start()
    const isReady = async ({ origin }: AppServer) => (await fetch(`${origin}/oidc/jwks`)).ok
    for (const server of stage.servers) await until(() => isReady(server))
    const [first] = stage.servers as [AppServer]
    return new Arena(stage, await OidcApp.discover(first, 'wiki'), await signedInPhone(first.origin))
  }

  /** The exchange of a new code, with which the app gets a refresh token, too. */
  async getCode(): Promise<Fields> {
    const { redirectUri } = this.#app
    const { url, verifier } = await this.#app.begin({ scope: 'openid offline_access', prompt: 'consent' })
    const isCallback = (at: string) => at.startsWith(redirectUri)
    const { url: callback } = await openWithPhone(new UserAgent(), this.#phone, url, isCallback)
    const code = new URL(callback).searchParams.get('code') ?? ''
    return { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier }
  }

  /** A request at the token endpoint of one of the instances. */
  async exchange(fields: Fields, index = 0): Promise<TokenResult> {
    const basic = Buffer.from(`wiki:${CLIENT_SECRET}`).toString('base64')
    const headers = { Authorization: `Basic ${basic}` }
    const body = new URLSearchParams(fields)
    const response = await fetch(`${this.#originOf(index)}/oidc/token`, { method: 'POST', headers, body })
    return { status: response.status, ...((await response.json()) as object) }
  }

  /** The status of a request with the access token. */
  async statusOf({ access_token: token }: TokenResult): Promise<number> {
    const headers = { Authorization: `Bearer ${token}` }
    return (await fetch(`${this.#originOf(1)}/oidc/me`, { headers })).status
  }

  async close(): Promise<void> {
    for (const server of this.#stage.servers) await server.stop()
    await this.#stage.stop()
  }

  #originOf(index: number): string | undefined {
    const { servers } = this.#stage
    return servers[index % servers.length]?.origin
  }
}
