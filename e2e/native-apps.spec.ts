import { spawn } from 'node:child_process'
import { generateKeyPairSync, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseCode, type Review, SignInError, SignInPhone } from '../docs/native-phone'
import { Agent } from './support/agent'
import { Server } from './support/server'
import { expect, test } from './support/test'
import { BEARER_SETTINGS, SIGNING_SECRET, signatureOf, tokenOf } from './support/tokens'

const PAGE = readFileSync('docs/native-apps.md', 'utf8')
const SHELL = [...PAGE.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, script = '']) => script)

test.use({ settings: BEARER_SETTINGS })

/** Runs a listing of the page and returns its output. Expects the exit code 0. */
async function runShell(script: string, env: Record<string, string>): Promise<string> {
  const child = spawn('bash', ['-euc', script], {
    env: { PATH: process.env.PATH, ...env } as unknown as NodeJS.ProcessEnv,
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  }
  const code = await new Promise((resolve) => child.once('exit', resolve))
  expect([code, output]).toEqual([0, output])
  return output
}

async function start(server: Server) {
  const computer = new Agent(server.origin)
  const { json } = await computer.send('POST', '/api/qr', {})
  const redeem = async () => {
    const path = `/api/qr/${json.id}`
    const { ticket } = (await computer.send('GET', path)).json
    return (await computer.send('POST', `${path}/redeem`, { ticket })).json
  }
  return { computer, url: json.code.url as string, redeem }
}

test('the curl listing signs a computer in, lists it and signs it out', async ({ server }) => {
  const { computer, url, redeem } = await start(server)
  const [listing = ''] = SHELL
  const env = { ORIGIN: server.origin, TOKEN: tokenOf('mei'), CODE: url.split('#')[1] ?? '' }
  const [first = '', last = ''] = listing.split('# The computers that')
  const output = await runShell(first, env)
  expect(output).toContain('"signedIn":true')
  expect(output).toContain('"status":"confirmed"')
  expect(await redeem()).toMatchObject({ person: { id: 'mei', name: 'Mei Tan' } })
  const ended = await runShell(`#${last}`, env)
  expect(ended).toContain('"method":"qr"')
  expect(ended.trimEnd()).toMatch(/204$/)
  expect((await computer.send('GET', '/api/session')).json).toEqual({ signedIn: false })
})

test('the signed curl listing works once where requests have to be signed; the plain one is refused', async () => {
  const server = await Server.start({ ...BEARER_SETTINGS, API_SIGNING_SECRET: SIGNING_SECRET })
  const { url } = await start(server)
  const env = { ORIGIN: server.origin, TOKEN: tokenOf('mei'), CODE: url.split('#')[1] ?? '', SIGNING_SECRET }
  const [plain = '', signed = ''] = SHELL
  const again = signed.slice(signed.indexOf('curl '))
  const output = await runShell(`${signed}\necho\n${again}`, env)
  expect(output).toMatch(/"status":"scanned"[\s\S]*"code":"signature_wrong"/)
  expect(await runShell(plain, env)).toContain('"code":"signature_wrong"')
  await server.dispose()
})

test('docs/native-apps.md contains docs/native-phone.ts', () => {
  expect(PAGE).toContain(readFileSync('docs/native-phone.ts', 'utf8').trimEnd())
})

test('the client signs computers in and out, cancels, and reports the codes of refusals', async ({ server }) => {
  const phone = new SignInPhone({ origin: server.origin, getToken: async () => tokenOf('raj') })
  const { computer, url, redeem } = await start(server)
  expect(parseCode('https://evil.example/q#x', server.origin)).toBeNull()
  const code = parseCode(url, server.origin) ?? ''
  const review: Review = await phone.scan(code)
  expect(review).toMatchObject({ status: 'scanned', computer: { sameNetwork: true }, match: { required: false } })
  expect((await phone.scan(code)).claim).toBe(review.claim)
  expect(await phone.confirm(review)).toMatchObject({ status: 'confirmed' })
  await redeem()
  const [listed] = await phone.listComputers()
  expect(listed).toMatchObject({ browser: null })
  if (listed !== undefined) await phone.signOut(listed)
  expect((await computer.send('GET', '/api/session')).json).toEqual({ signedIn: false })

  const second = await start(server)
  const declined = await phone.scan(parseCode(second.url, server.origin) ?? '')
  expect(await phone.cancel(declined)).toMatchObject({ status: 'cancelled' })
  await phone.signOutEverywhere()

  const codeOf = (work: Promise<unknown>) =>
    work.then(
      () => null,
      (error: unknown) => error instanceof SignInError && error.code,
    )
  expect(await codeOf(phone.confirm(declined))).toBe('attempt_ended')
  expect(await codeOf(phone.scan('made-up'))).toBe('code_unknown')
  const forged = new SignInPhone({ origin: server.origin, getToken: async () => `${tokenOf('raj')}x.` })
  expect(await codeOf(forged.listComputers())).toBe('token_wrong')
})

test('tokens are verified with the keys of the issuer, also after a key rotation', async () => {
  const [old, fresh] = [newKey('old'), newKey('fresh')]
  let keys = [old.jwk]
  let fetched = 0
  const issuer = createServer((_, response) => {
    fetched += 1
    response.end(JSON.stringify({ keys }))
  })
  await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve))
  const { port } = issuer.address() as AddressInfo
  const { PHONE_JWT_SECRET: _, ...claims } = BEARER_SETTINGS
  const server = await Server.start({ ...claims, PHONE_JWKS_URL: `http://127.0.0.1:${port}/keys` })
  const statusOf = async (token: string) => {
    const headers = { Authorization: `Bearer ${token}` }
    return (await fetch(`${server.origin}/api/phone/session`, { headers })).status
  }
  const [first, ...others] = await Promise.all(Array.from({ length: 20 }, () => statusOf(old.token())))
  expect([first, new Set(others), fetched]).toEqual([200, new Set([200]), 1])
  // A token signed with the secret, and one with a key that is not in the key set.
  expect([await statusOf(tokenOf('mei')), await statusOf(newKey('old').token())]).toEqual([401, 401])
  keys = [fresh.jwk]
  await expect.poll(() => statusOf(fresh.token()), { timeout: 30_000, intervals: [1_000] }).toBe(200)
  expect(await statusOf(old.token())).toBe(401)
  await server.dispose()
  issuer.close()
})

function newKey(kid: string) {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const token = () => {
    const [, payload = ''] = tokenOf('mei').split('.')
    const signed = `${encode({ alg: 'ES256', kid })}.${payload}`
    const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' })
    return `${signed}.${signature.toString('base64url')}`
  }
  return { token, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' } }
}

test('the client cannot confirm before the number is typed, and signs its requests', async () => {
  const server = await Server.start({ ...BEARER_SETTINGS, API_SIGNING_SECRET: SIGNING_SECRET, MATCH_POLICY: 'always' })
  const phone = new SignInPhone({
    origin: server.origin,
    getToken: async () => tokenOf('mei'),
    sign: async (method, path, body) => signatureOf(method, path, body),
  })
  const computer = new Agent(server.origin)
  const { json } = await computer.send('POST', '/api/qr', {})
  const review = await phone.scan(parseCode(json.code.url, server.origin) ?? '')
  expect(review.match).toMatchObject({ required: true, passed: false })
  await expect(phone.confirm(review)).rejects.toMatchObject({ code: 'match_required', retryAfterMs: null })
  await computer.send('POST', `/api/qr/${json.id}/match`, { number: review.match.number })
  expect(await phone.confirm(review)).toMatchObject({ status: 'confirmed' })
  await server.dispose()
})
