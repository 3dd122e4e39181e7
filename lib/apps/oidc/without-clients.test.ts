import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { AppServer } from '../../../test/support/app-server'
import { ServerProcess } from '../../../test/support/embedded-server'
import { clientOf } from '../../../test/support/oidc-app'
import { until } from '../../../test/support/until'
import { signedInPhone, signInWithPhone, UserAgent } from '../../../test/support/user-agent'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qr-login-clients-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

test('without CLIENTS_FILE there is no provider', async () => {
  const plain = await AppServer.start({ clients: [], env: { CLIENTS_FILE: '' } })
  for (const path of ['/.well-known/openid-configuration', '/jwks', '/auth', '/token', '/session/end'])
    expect([path, (await fetch(plain.issuer + path)).status]).toEqual([path, 404])
  await plain.stop()
})

const countRecords = () => {
  const db = new Database(join(folder, 'qr-login.db'), { timeout: 5_000 })
  try {
    return (db.prepare('SELECT count(*) AS count FROM records').get() as { count: number }).count
  } finally {
    db.close()
  }
}

/** Whether a process has loaded oidc-provider, by the scripts in what V8 writes at its end. */
function hasLoadedProvider(coverage: string): boolean {
  const files = readdirSync(coverage).map((name) => readFileSync(join(coverage, name), 'utf8'))
  expect(files.some((text) => text.includes('/lib/server/create-server.ts'))).toBe(true)
  return files.some((text) => text.includes('/node_modules/oidc-provider/'))
}

/** Runs a server process of its own, in which a person signs in. */
async function run(env: Record<string, string>, isDone: (origin: string) => Promise<boolean>) {
  const coverage = join(folder, 'coverage')
  const server = await ServerProcess.create({
    PUBLIC_ORIGIN: 'http://localhost:3000',
    SESSION_SECRET: 'a secret for tests that is long enough',
    DATA_DIR: folder,
    DEMO_ACCOUNTS: 'true',
    CONFIRM_MIN_MS: '0',
    MATCH_POLICY: 'never',
    LOG_LEVEL: 'silent',
    NODE_V8_COVERAGE: coverage,
    ...env,
  })
  await server.start()
  try {
    await signInWithPhone(server.origin, new UserAgent(), await signedInPhone(server.origin))
    await until(() => isDone(server.origin))
  } finally {
    await server.stop()
  }
  return { isLoaded: hasLoadedProvider(coverage), records: countRecords() }
}

test('without CLIENTS_FILE a process does not load oidc-provider, and keeps no record', async () => {
  const hasAnswered = async (origin: string) => (await fetch(`${origin}/oidc/jwks`)).status === 404
  expect(await run({}, hasAnswered)).toEqual({ isLoaded: false, records: 0 })
})

test('with CLIENTS_FILE it loads it, and keeps its keys', async () => {
  const file = join(folder, 'clients.json')
  writeFileSync(file, JSON.stringify([clientOf('wiki')]))
  const hasKeys = async (origin: string) => (await fetch(`${origin}/oidc/jwks`)).ok
  const ended = await run({ CLIENTS_FILE: file }, hasKeys)
  expect(ended).toEqual({ isLoaded: true, records: 1 })
})
