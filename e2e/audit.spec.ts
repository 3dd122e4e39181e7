import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { audit, notHeld } from './support/audit'
import { CarelessServer, type Mistake } from './support/careless'
import { freePort, Server } from './support/server'
import { expect, test } from './support/test'
import { AUDIENCE, BEARER_SETTINGS, SIGNING_SECRET, tokenOf } from './support/tokens'

/** Limits on, but wide enough for the audit's own attempts within one minute. */
const LIMITED = { RATE_LIMIT_SCALE: '2', CODE_PERIOD_S: '3' }

test.describe.configure({ timeout: 180_000 })

test('the audit finds no flaw in ourselves over http', async () => {
  const server = await Server.start(LIMITED)
  const report = await audit(server.origin)
  expect(notHeld(report)).toEqual([
    'tokens.replay skipped no person of the configuration signs requests',
    'tokens.number skipped none is asked for between these two devices',
    'answers.transport skipped the public origin is http',
  ])
  expect(report.code).toBe(0)
  expect(report.checks.length).toBeGreaterThan(45)
  await server.dispose()
})

test('nor with an https origin, native phones, signed requests and the number always asked for', async () => {
  const origin = AUDIENCE
  const server = new Server(await freePort(), {
    ...LIMITED,
    PUBLIC_ORIGIN: origin,
    MATCH_POLICY: 'always',
    ...BEARER_SETTINGS,
    API_SIGNING_SECRET: SIGNING_SECRET,
  })
  await server.start()
  const folder = mkdtempSync(join(tmpdir(), 'qr-login-audit-'))
  const people = [
    { token: tokenOf('mei'), signingSecret: SIGNING_SECRET },
    { username: 'ada', password: 'demo' },
    { token: tokenOf('raj'), signingSecret: SIGNING_SECRET },
    { username: 'lin', password: 'demo' },
  ]
  writeFileSync(join(folder, 'people.json'), JSON.stringify({ people }))
  const report = await audit(`http://127.0.0.1:${server.port}`, '--config', join(folder, 'people.json'))
  rmSync(folder, { recursive: true })
  expect(notHeld(report)).toEqual([])
  expect([report.code, report.origin]).toEqual([0, origin])
  await server.dispose()
})

/** What each mistake has to be called, and by which checks. */
const MISTAKES: [Mistake, flaw: string, checks: string[]][] = [
  ['result readable by id', 'F1', ['binding.status']],
  ['reusable code', 'F2', ['codes.scanned-twice', 'codes.used', 'codes.photographed']],
  ['confirm by anyone', 'F1', ['binding.confirm']],
  ['predictable id', 'F3', ['codes.random']],
  ['client-chosen id', 'F4', ['codes.client-chosen']],
  ['token not checked', 'F5', ['tokens.ticket', 'tokens.bearer']],
  ['data leaked', 'F6', ['leaks.computer', 'leaks.phone']],
]

const PLANTED = MISTAKES.flatMap(([, , checks]) => checks)

test('a careful server without pages and limits is blamed for that, not for any of the planted flaws', async () => {
  const server = await CarelessServer.start(null)
  const report = await audit(server.origin)
  server.stop()
  const blamed = report.checks.filter(({ outcome }) => outcome !== 'held').map(({ id }) => id)
  expect(blamed.filter((id) => PLANTED.includes(id))).toEqual([])
  expect(blamed).toEqual(expect.arrayContaining(['answers.policy', 'limits.codes', 'limits.address']))
  expect(report.code).toBe(1)
})

for (const [mistake, flaw, checks] of MISTAKES) {
  test(`the audit names ${flaw} in a server with: ${mistake}`, async () => {
    const server = await CarelessServer.start(mistake)
    const report = await audit(server.origin, '--only', 'codes,binding,tokens,leaks,races')
    server.stop()
    const found = report.checks.filter(({ outcome }) => outcome === 'flaw')
    for (const id of checks) {
      expect(found).toContainEqual(expect.objectContaining({ id, flaws: expect.arrayContaining([flaw]) }))
    }
    // And nothing else of what is planted elsewhere.
    const elsewhere = PLANTED.filter((id) => !checks.includes(id))
    const related =
      mistake === 'reusable code' || mistake === 'confirm by anyone' || mistake === 'result readable by id'
    if (!related) expect(found.map(({ id }) => id).filter((id) => elsewhere.includes(id))).toEqual([])
    expect(report.code).toBe(1)
  })
}

test('a deployment that does not answer is no deployment without flaws', async () => {
  await expect(audit(`http://127.0.0.1:${await freePort()}`)).rejects.toThrow(/does not answer/)
})
