import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasRedisServer, RedisServer } from '../support/redis-server'
import { type Module, runModule, type Verdict } from './module'
import { REQUEST_MODULES } from './modules/basic-requests'
import { TOKEN_MODULES } from './modules/basic-tokens'
import { CONFIG_MODULES } from './modules/config'
import { LOGOUT_MODULES } from './modules/logout'
import { startOwn } from './own-target'
import { startReference } from './reference-target'
import { toTable } from './table'
import type { Target } from './target'

/** A client's endpoint for logout tokens (Back-Channel Logout 1.0, section 2.5). */
class LogoutEndpoint {
  readonly tokens: string[] = []
  readonly #server: Server

  constructor() {
    this.#server = createServer(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      this.tokens.push(new URLSearchParams(body).get('logout_token') ?? '')
      response.end()
    })
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/logout`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

const MODULES: readonly Module[] = [...CONFIG_MODULES, ...TOKEN_MODULES, ...REQUEST_MODULES, ...LOGOUT_MODULES]

/** Redis is stopped after the servers. */
let redis: RedisServer | null = null
const STARTS: Readonly<Record<string, (logoutUri: string) => Promise<Target>>> = {
  'oidc-provider': startReference,
  'qr-login, SQLite': (uri) => startOwn('qr-login, SQLite', uri, {}),
  'qr-login, Redis': async (uri) => {
    redis = await RedisServer.start()
    return await startOwn('qr-login, Redis', uri, { REDIS_URL: redis.url })
  },
}
const NAMES = Object.keys(STARTS)
afterAll(() => redis?.dispose())

/** By module, then by target. */
const verdicts = new Map<string, Map<string, Verdict>>(MODULES.map(({ name }) => [name, new Map()]))

test('the four plans have 52 modules', () => {
  const plans = MODULES.map(({ plan }) => plan)
  const count = (name: string) => plans.filter((plan) => plan === name).length
  expect(Object.fromEntries(plans.map((plan) => [plan, count(plan)]))).toEqual({
    'Config OP': 1,
    'Basic OP': 38,
    'RP-Initiated Logout OP': 11,
    'Back-Channel Logout OP': 2,
  })
  expect(verdicts.size).toBe(52)
})

for (const [name, start] of Object.entries(STARTS)) {
  describe.skipIf(name === 'qr-login, Redis' && !hasRedisServer()).concurrent(name, () => {
    const endpoint = new LogoutEndpoint()
    let target: Target
    beforeAll(async () => {
      target = await start(await endpoint.start())
    }, 60_000)
    afterAll(async () => {
      await target.stop()
      await endpoint.stop()
    })

    // Concurrent, since some modules wait: five at a time, Vitest's `maxConcurrency`.
    test.concurrent.each(MODULES)(
      '$name',
      async (module) => {
        const verdict = await runModule(module, target, endpoint.tokens)
        verdicts.get(module.name)?.set(name, verdict)
      },
      60_000,
    )
  })
}

test.skipIf(!hasRedisServer())('docs/conformance.md has these verdicts', async () => {
  // A module that failed has no verdict: `-u` must not write that down.
  const missing = MODULES.flatMap(({ name }) =>
    NAMES.filter((target) => !verdicts.get(name)?.has(target)).map((target) => `${target}: ${name}`),
  )
  expect(missing).toEqual([])
  const table = toTable(MODULES, NAMES, verdicts)
  await expect(table).toMatchFileSnapshot('../../docs/conformance.md')
})
