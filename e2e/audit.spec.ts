import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MITIGATIONS } from '../scripts/audit/catalogue.mjs'
import { audit, notHeld, print } from './support/audit'
import { CarelessServer, type Mistake } from './support/careless'
import { freePort, Server } from './support/server'
import { expect, test } from './support/test'
import { AUDIENCE, BEARER_SETTINGS, SIGNING_SECRET, tokenOf } from './support/tokens'

/** Rate limits wide enough for the attempts of one audit per minute, and production's delays. */
const LIMITED = { RATE_LIMIT_SCALE: '2', CODE_PERIOD_S: '3', CONFIRM_MIN_MS: '700' }

const SECURITY = readFileSync('SECURITY.md', 'utf8')

test.describe.configure({ timeout: 180_000 })

test('the audit finds no flaw in this server over http', async () => {
  const server = await Server.start(LIMITED)
  const report = await audit(server.origin)
  await server.dispose()
  expect(notHeld(report)).toEqual([
    'tokens.replay skipped no person of the configuration signs requests',
    'tokens.number skipped none is required between these two devices',
    'answers.transport skipped the public origin is http',
  ])
  expect(report.code).toBe(0)
  expect(report.checks.length).toBeGreaterThan(50)
})

test('the audit finds no flaw with an https origin, native phones, signed requests and MATCH_POLICY=always', async () => {
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
  await server.dispose()
  expect(notHeld(report)).toEqual([])
  expect([report.code, report.origin]).toEqual([0, origin])
})

/**
 * The flaw (or, if it is none of the six, the mitigation) and the checks that find each mistake.
 */
const MISTAKES: [Mistake, name: string, checks: string[]][] = [
  ['result readable by id', 'F1', ['binding.status']],
  ['reusable code', 'F2', ['codes.scanned-twice', 'codes.used', 'codes.photographed']],
  ['expired code held', 'F2', ['codes.held']],
  ['confirm by anyone', 'F1', ['binding.confirm']],
  ['predictable id', 'F3', ['codes.random']],
  ['client-chosen id', 'F4', ['codes.client-chosen']],
  ['token not checked', 'F5', ['tokens.ticket', 'tokens.bearer']],
  ['data leaked', 'F6', ['leaks.computer', 'leaks.phone']],
  ['confirm without a pause', '6.1.14', ['requests.pace']],
  ['page scans for any site', 'F6', ['pages.foreign']],
  ['page scans while prerendered', 'F6', ['pages.foreign']],
  ['place from a client header', '6.1.14', ['leaks.place']],
  ['network from a client header', '6.1.1', ['leaks.place']],
  ['late cancel revokes nothing', 'F1', ['binding.revoke']],
  ['late cancel revokes every computer', '6.1.6', ['binding.revoke']],
  ['late cancel keeps the browser known', '6.1.6', ['binding.revoke']],
  ['phones of every person listed', 'F6', ['binding.phones']],
  ['signed-out phone still works', 'F1', ['binding.phones']],
  ['longer seal accepted', 'F5', ['tokens.seal']],
  ['refusals without limit', '6.1.11', ['limits.refusals']],
  ['refusal limit blocks every request', '6.1.11', ['limits.refusals']],
  ['password spraying', '6.1.11', ['limits.spraying']],
]

const PLANTED = [...new Set(MISTAKES.flatMap(([, , checks]) => checks))]

/** Mistakes that also fail the checks of others. */
const OVERLAPPING: Mistake[] = ['result readable by id', 'reusable code', 'confirm by anyone']

test('a server without planted flaws: the audit reports only its missing page policy and limits', async () => {
  const server = await CarelessServer.start(null)
  const report = await audit(server.origin)
  server.stop()
  const outcomes = new Map(report.checks.map(({ id, outcome }) => [id, outcome]))
  expect(PLANTED.map((id) => [id, outcomes.get(id)])).toEqual(PLANTED.map((id) => [id, 'held']))
  const blamed = report.checks.filter(({ outcome }) => outcome !== 'held').map(({ id }) => id)
  expect(blamed).toEqual(expect.arrayContaining(['answers.policy', 'limits.codes', 'limits.address']))
  expect(report.code).toBe(1)
})

test('a narrow limit on refusals makes the audit wait, and no flaw is reported', async () => {
  const server = await CarelessServer.start(null, { refusals: 40 })
  const checks = [...PLANTED, 'binding.redeem', 'requests.cross-site']
  const report = await audit(server.origin, '--only', checks.join(','))
  server.stop()
  expect(notHeld(report)).toEqual([])
  expect([report.code, report.checks.length]).toEqual([0, checks.length])
})

for (const [mistake, name, checks] of MISTAKES) {
  test(`the audit names ${name} in a server with: ${mistake}`, async () => {
    const server = await CarelessServer.start(mistake)
    const report = await audit(server.origin, '--only', PLANTED.join(','))
    server.stop()
    const found = report.checks.filter(({ outcome }) => outcome !== 'held')
    const named = found.filter(({ flaws, mitigations }) => [...flaws, ...mitigations].includes(name))
    for (const id of checks) expect(named).toContainEqual(expect.objectContaining({ id, outcome: 'flaw' }))
    if (!OVERLAPPING.includes(mistake)) expect(found.map(({ id }) => id).sort()).toEqual([...checks].sort())
    expect(report.code).toBe(1)
  })
}

test('the example in SECURITY.md is the output of the audit', async () => {
  const server = await CarelessServer.start('confirm by anyone')
  const { output, code } = await print(server.origin, '--only', 'codes,binding.confirm,races')
  server.stop()
  const example = SECURITY.split('```').find((block) => block.includes('binding.confirm')) ?? ''
  const shown = example.split('\n').filter((line) => line !== '' && line !== ' …')
  expect(output.split('\n').filter((line) => shown.includes(line))).toEqual(shown)
  expect([code, shown.length]).toEqual([1, 6])
})

test('SECURITY.md has the same titles of the RFC 10027 mitigations as the audit, and the number of flawed servers', () => {
  const rows = [...SECURITY.matchAll(/^\| (6\.1\.\d+) \| ([^|]+) \| \*\*/gm)].map(([, name, title]) => [name, title])
  expect(rows).toEqual(Object.entries(MITIGATIONS).map(([name, [title]]) => [name, title]))
  expect(MISTAKES).toHaveLength(22)
  expect(SECURITY).toContain('twenty-two small servers')
})

test('a deployment that does not respond makes the audit fail', async () => {
  await expect(audit(`http://127.0.0.1:${await freePort()}`)).rejects.toThrow(/does not answer/)
})
