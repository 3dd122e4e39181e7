import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { ConfigError, StartError } from '../core/start-error'
import { findLanAddress, loadConfig, type Machine, parseConfig } from './config'
import { SETTINGS } from './settings'

const MACHINE: Machine = { lanAddress: '192.168.1.23', loadSecret: () => 's'.repeat(43) }
const PRODUCTION = {
  NODE_ENV: 'production',
  PUBLIC_ORIGIN: 'https://login.example.com',
  SESSION_SECRET: 'a secret for tests that is long enough',
}

function problems(env: Record<string, string | undefined>): string {
  try {
    parseConfig(env, MACHINE)
    return ''
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
}

describe('with nothing set', () => {
  test('development starts with the address of the machine in the local network', () => {
    const config = parseConfig({ NODE_ENV: 'development' }, MACHINE)
    expect(config).toMatchObject({
      publicOrigin: 'http://192.168.1.23:3000',
      isLocal: true,
      demoAccounts: true,
      matchPolicy: 'risk',
      maxStreams: 20_000,
      lifetimes: { attemptMs: 300_000, codePeriodMs: 30_000, confirmMs: 120_000, ticketMs: 60_000 },
      sessionLifetimes: { computerMs: 604_800_000, computerIdleMs: 86_400_000 },
    })
    expect(config.ownOrigins).toContain('http://localhost:3000')
    expect(config.ownOrigins).toContain('http://192.168.1.23:3000')
  })

  test('the demo starts with the address of the machine in the local network', () => {
    expect(parseConfig({ NODE_ENV: 'production', DEMO: 'true', PORT: '8080' }, MACHINE)).toMatchObject({
      publicOrigin: 'http://192.168.1.23:8080',
      demoAccounts: true,
    })
  })

  test.each(['production', 'staging', 'Production', 'Development', 'dev', ' test', '', undefined])(
    'NODE_ENV=%s is production, and names both required settings',
    (mode) => {
      const message = problems({ NODE_ENV: mode })
      expect(message).toMatch(/PUBLIC_ORIGIN\s+required/)
      expect(message).toMatch(/SESSION_SECRET\s+required/)
      const config = parseConfig({ ...PRODUCTION, NODE_ENV: mode }, MACHINE)
      expect(config).toMatchObject({ isLocal: false, demoAccounts: false })
      expect([...config.ownOrigins]).toEqual([PRODUCTION.PUBLIC_ORIGIN])
    },
  )

  test('a machine without a network uses localhost', () => {
    const config = parseConfig({ NODE_ENV: 'test' }, { ...MACHINE, lanAddress: null })
    expect(config.publicOrigin).toBe('http://localhost:3000')
  })
})

describe('production', () => {
  test('accepts its own origin only, and has no demo accounts', () => {
    const config = parseConfig(PRODUCTION, MACHINE)
    expect([...config.ownOrigins]).toEqual(['https://login.example.com'])
    expect(config.demoAccounts).toBe(false)
  })

  test('the demo accepts only PUBLIC_ORIGIN if it is set', () => {
    expect([...parseConfig({ ...PRODUCTION, DEMO: '1' }, MACHINE).ownOrigins]).toEqual(['https://login.example.com'])
  })

  test('keeps several secrets in their order', () => {
    const secrets = ['a'.repeat(32), 'b'.repeat(32)]
    expect(parseConfig({ ...PRODUCTION, SESSION_SECRET: secrets.join(', ') }, MACHINE).secrets).toEqual(secrets)
  })
})

describe('a wrong value', () => {
  test.each([
    ['PUBLIC_ORIGIN', 'https://login.example.com/path'],
    ['PUBLIC_ORIGIN', 'login.example.com'],
    ['PUBLIC_ORIGIN', 'ftp://login.example.com'],
    ['PUBLIC_ORIGIN', 'https://user:pass@login.example.com'],
    ['SESSION_SECRET', 'too short'],
    ['SESSION_SECRET', `${'a'.repeat(32)},short`],
    ['PORT', '70000'],
    ['PORT', 'http'],
    ['MATCH_POLICY', 'sometimes'],
    ['SINGLE_COMPUTER', 'yes'],
    ['DEMO_ACCOUNTS', 'on'],
    ['ATTEMPT_TTL_S', '0'],
    ['ATTEMPT_TTL_S', '1.5'],
    ['CODE_PERIOD_S', '-30'],
    ['RATE_LIMIT_SCALE', '0'],
    ['MAX_STREAMS', 'many'],
    ['TRUSTED_PROXIES', '10.0.0.0/64'],
    ['IP_ALLOWLIST', 'everyone'],
    ['LOG_LEVEL', 'loud'],
    ['PLACE_HEADER', 'CF-IPCity, X-City'],
    ['PLACE_HEADER', 'CF IPCity'],
    ['PLACE_HEADER', 'Straße'],
    ['REDIS_URL', 'http://localhost'],
    ['REDIS_URL', 'localhost:6379'],
    ['UPSTASH_REDIS_REST_URL', 'redis://localhost'],
    ['REDIS_PREFIX', 'a b'],
    ['METRICS_TOKEN', 'too short'],
    ['METRICS_TOKEN', 'long enough, but a bearer token has no blanks'],
    ['METRICS_TOKEN', `${'m'.repeat(32)},short`],
    ['PHONE_JWT_SECRET', 'too short'],
    ['API_SIGNING_SECRET', 'too short'],
    ['PHONE_JWKS_URL', 'http://accounts.example.com/keys'],
    ['PHONE_JWKS_URL', 'https://user:pass@accounts.example.com/keys'],
    ['PHONE_JWKS_URL', 'http://127.0.0.1.evil.example/keys'],
    ['PHONE_JWKS_URL', 'file:///keys.json'],
    ['PHONE_JWKS_URL', 'keys'],
  ])('%s=%s', (name, value) => {
    expect(problems({ ...PRODUCTION, [name]: value })).toMatch(new RegExp(`^ {2}${name} +(expected|not)`, 'm'))
  })

  test('all wrong settings are named together, without their values', () => {
    const message = problems({ ...PRODUCTION, SESSION_SECRET: 'hunter2', PORT: 'x', MATCH_POLICY: 'y' })
    expect(message.split('\n')).toHaveLength(4)
    expect(message).not.toContain('hunter2')
  })

  const SECRET = 's'.repeat(32)
  const KEY_SET = 'https://accounts.example.com/keys'

  test.each([
    [{ PHONE_JWT_SECRET: SECRET }, ['PHONE_JWT_ISSUER', 'PHONE_JWT_AUDIENCE']],
    [{ PHONE_JWKS_URL: KEY_SET, PHONE_JWT_ISSUER: 'i' }, ['PHONE_JWT_AUDIENCE']],
    [{ PHONE_JWT_ISSUER: 'i', PHONE_JWT_AUDIENCE: 'a' }, ['PHONE_JWT_SECRET']],
    [{ API_SIGNING_SECRET: SECRET }, ['PHONE_JWT_SECRET']],
    [
      { PHONE_JWT_SECRET: SECRET, PHONE_JWKS_URL: KEY_SET, PHONE_JWT_ISSUER: 'i', PHONE_JWT_AUDIENCE: 'a' },
      ['PHONE_JWKS_URL'],
    ],
  ])('settings that belong together: %j is an error of %j', (env, names) => {
    const rows = problems({ ...PRODUCTION, ...(env as Record<string, string>) })
      .split('\n')
      .slice(1)
    expect(rows.map((row) => row.trim().split(' ')[0])).toEqual(names)
  })

  test('the store is SQLite, Redis or Upstash, and never two of them', () => {
    const storeOf = (env: Record<string, string>) => parseConfig({ ...PRODUCTION, ...env }, MACHINE).store
    const upstash = { UPSTASH_REDIS_REST_URL: 'https://x.upstash.io/', UPSTASH_REDIS_REST_TOKEN: 't' }
    expect(storeOf({})).toEqual({ kind: 'sqlite' })
    const redis = { kind: 'redis', url: 'rediss://u:p@host:6380', prefix: 'qr-login:' }
    expect(storeOf({ REDIS_URL: 'rediss://u:p@host:6380' })).toEqual(redis)
    expect(storeOf({ ...upstash, REDIS_PREFIX: 'a:' })).toEqual({
      kind: 'upstash',
      url: 'https://x.upstash.io',
      token: 't',
      prefix: 'a:',
    })
    expect(problems({ ...PRODUCTION, ...upstash, REDIS_URL: 'redis://host' })).toMatch(/REDIS_URL +cannot be set/)
    expect(problems({ ...PRODUCTION, UPSTASH_REDIS_REST_TOKEN: 't' })).toMatch(/UPSTASH_REDIS_REST_URL +required/)
  })

  test('bearer tokens are verified with a secret or with a key set', () => {
    const claims = { PHONE_JWT_ISSUER: 'i', PHONE_JWT_AUDIENCE: 'a' }
    const bearerOf = (env: Record<string, string>) => parseConfig({ ...PRODUCTION, ...claims, ...env }, MACHINE).bearer
    expect(bearerOf({ PHONE_JWT_SECRET: SECRET })).toEqual({ key: { secrets: [SECRET] }, issuer: 'i', audience: 'a' })
    for (const url of [KEY_SET, 'http://127.0.0.1:8080/keys', 'http://localhost/keys', 'http://[::1]/keys']) {
      expect(bearerOf({ PHONE_JWKS_URL: url })).toMatchObject({ key: { keySetUrl: url } })
    }
    expect(parseConfig(PRODUCTION, MACHINE).bearer).toBeNull()
  })

  test('secrets of native apps are lists, and each is long enough', () => {
    const claims = { PHONE_JWT_ISSUER: 'i', PHONE_JWT_AUDIENCE: 'a' }
    const list = [SECRET, 't'.repeat(32)]
    const given = { ...claims, PHONE_JWT_SECRET: list.join(','), API_SIGNING_SECRET: ` ${list.join(' , ')}` }
    expect(parseConfig({ ...PRODUCTION, ...given }, MACHINE)).toMatchObject({
      bearer: { key: { secrets: list } },
      signingSecrets: list,
    })
    for (const name of ['PHONE_JWT_SECRET', 'API_SIGNING_SECRET']) {
      expect(problems({ ...PRODUCTION, ...given, [name]: `${SECRET},short` })).toMatch(new RegExp(`${name} +expected`))
      expect(problems({ ...PRODUCTION, ...given, [name]: ',' })).toMatch(new RegExp(`${name} +expected`))
    }
  })

  test('webhooks have an address and a list of keys, each of which is right', () => {
    const keys = [Buffer.alloc(24, 1), Buffer.alloc(64, 2)]
    const list = keys.map((key) => `whsec_${key.toString('base64')}`)
    const given = { WEBHOOK_URL: 'https://www.example.com/webhooks', WEBHOOK_SECRET: list.join(', ') }
    expect(parseConfig({ ...PRODUCTION, ...given }, MACHINE).webhook).toEqual({ url: given.WEBHOOK_URL, keys })
    expect(parseConfig(PRODUCTION, MACHINE).webhook).toBeNull()
    for (const [name, missing] of [
      ['WEBHOOK_URL', 'WEBHOOK_SECRET'],
      ['WEBHOOK_SECRET', 'WEBHOOK_URL'],
    ] as const) {
      expect(problems({ ...PRODUCTION, [name]: given[name] })).toMatch(new RegExp(`${missing} +required with`))
    }
    const short = `whsec_${Buffer.alloc(23).toString('base64')}`
    for (const secret of [`${list[0]},${short}`, 'whsec_', ',', keys[0]?.toString('base64') ?? '']) {
      expect(problems({ ...PRODUCTION, ...given, WEBHOOK_SECRET: secret })).toMatch(/WEBHOOK_SECRET +expected/)
    }
    for (const url of ['ftp://www.example.com', 'https://user:password@www.example.com', 'https://a.example.com/#b']) {
      expect(problems({ ...PRODUCTION, ...given, WEBHOOK_URL: url })).toMatch(/WEBHOOK_URL +expected/)
    }
  })

  test('PLACE_HEADER is one field name, in any case', () => {
    expect(parseConfig({ ...PRODUCTION, PLACE_HEADER: ' CF-IPCity ' }, MACHINE).placeHeader).toBe('cf-ipcity')
    expect(parseConfig(PRODUCTION, MACHINE).placeHeader).toBeNull()
  })

  test('an empty value counts as not set', () => {
    expect(parseConfig({ ...PRODUCTION, PORT: '', MATCH_POLICY: ' ' }, MACHINE)).toMatchObject({
      port: 3000,
      matchPolicy: 'risk',
    })
  })
})

test('.env.example lists every setting, with its default', () => {
  const lines = [...readFileSync('.env.example', 'utf8').matchAll(/^# ([A-Z_]+)=(.*)$/gm)]
  const names = lines.map(([, name = '']) => name)
  // HOSTNAME is read by the server only, and NODE_ENV is not a setting of ours.
  expect([...names, 'NODE_ENV'].sort()).toEqual([...SETTINGS, 'HOSTNAME'].sort())
  // These have no default: the file shows an example value.
  const examples = lines.filter(
    ([, name = '']) =>
      !/^(PHONE_J|REDIS_URL|ACCOUNTS_(OIDC_(ISSUER|CLIENT_ID|NAME)|VERIFY|SESSION)|WEBHOOK)/.test(name),
  )
  const defaults = Object.fromEntries(examples.map(([, name = '', value = '']) => [name, value]))
  const given = { ...defaults, ...PRODUCTION }
  expect(parseConfig(given, MACHINE)).toEqual(parseConfig(PRODUCTION, MACHINE))
})

test('a physical network interface is preferred to a virtual one', () => {
  const entry = (address: string, internal = false, family: 'IPv4' | 'IPv6' = 'IPv4') =>
    ({ address, internal, family, netmask: '', mac: '', cidr: null }) as never
  expect(
    findLanAddress({
      lo: [entry('127.0.0.1', true)],
      docker0: [entry('172.17.0.1')],
      wlan0: [entry('fe80::1', false, 'IPv6'), entry('192.168.1.23')],
    }),
  ).toBe('192.168.1.23')
  expect(findLanAddress({ lo: [entry('127.0.0.1', true)], docker0: [entry('172.17.0.1')] })).toBe('172.17.0.1')
  expect(findLanAddress({ lo: [entry('127.0.0.1', true)] })).toBeNull()
})

test('a data folder that cannot hold the secret of local mode is refused with a table', () => {
  const folder = mkdtempSync(join(tmpdir(), 'qr-login-config-'))
  const start = (dataDir: string) => {
    vi.stubEnv('NODE_ENV', 'test')
    vi.stubEnv('DATA_DIR', dataDir)
    try {
      loadConfig()
      return 'started'
    } catch (error) {
      if (error instanceof StartError) return error.message
      throw error
    } finally {
      vi.unstubAllEnvs()
    }
  }
  const file = join(folder, 'file')
  writeFileSync(file, 'mine')
  expect(start(file)).toMatch(/^qr-login cannot start\..*\n.*file {2}is a file, not a folder\nName a folder/)
  expect(start(folder)).toBe('started')
  writeFileSync(join(folder, 'session-secret'), 'short')
  expect(start(folder)).toMatch(/session-secret {2}holds no secret\nRemove the file/)
  expect(readFileSync(join(folder, 'session-secret'), 'utf8')).toBe('short')
  rmSync(folder, { recursive: true })
})
