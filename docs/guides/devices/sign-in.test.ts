import { spawn, spawnSync } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Review } from '../../../lib/core/attempt/views'
import { AppServer } from '../../../test/support/app-server'
import { signedInPhone, type UserAgent } from '../../../test/support/user-agent'

const CLI = {
  client_id: 'cli',
  client_name: 'Command line',
  token_endpoint_auth_method: 'none',
  redirect_uris: [],
  grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
}

let server: AppServer
let phone: UserAgent
beforeAll(async () => {
  server = await AppServer.start({ clients: [CLI] })
  phone = await signedInPhone(server.origin)
})
afterAll(() => server.stop())

const isMissing = (program: string) => spawnSync(program, ['-V']).error !== undefined && process.env.CI === undefined

async function post(path: string, body: object): Promise<Review> {
  return await phone.call<Review>('POST', `${server.origin}/api/qr/${path}`, { body })
}

/** Runs the sample. `answer` is called with the code that it shows. */
async function run(command: string[], answer: (userCode: string) => Promise<unknown>) {
  const [program = '', ...args] = command
  const child = spawn(program, args, { cwd: import.meta.dirname, env: { ...process.env, ISSUER: server.issuer } })
  let [output, shown] = ['', '']
  let isAnswered = false
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk
  })
  child.stderr.on('data', (chunk: Buffer) => {
    shown += chunk
    const [, userCode] = /type (\w{4}-\w{4})/.exec(shown) ?? []
    if (userCode === undefined || isAnswered) return
    isAnswered = true
    void answer(userCode)
  })
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { status, output, shown }
}

const approve = async (shortCode: string) => {
  const { claim } = await post('scan', { shortCode })
  await post('confirm', { claim })
}
const decline = async (shortCode: string) => {
  const { claim } = await post('scan', { shortCode })
  await post('cancel', { claim })
}

const SAMPLES = [
  ['TypeScript', [process.execPath, '--import', 'tsx', 'sign-in.ts'], false],
  ['shell', ['sh', 'sign-in.sh'], ['curl', 'jq', 'qrencode'].some(isMissing)],
] as const

for (const [name, command, isSkipped] of SAMPLES) {
  test.skipIf(isSkipped).concurrent(`${name}: a program shows a QR code, and gets tokens after the yes`, async () => {
    const { status, output, shown } = await run([...command], approve)
    expect([status, shown]).toEqual([0, expect.stringMatching(/[█▀▄]/)])
    expect(shown).toContain(`open ${server.origin}/device and type`)
    const tokens = JSON.parse(output) as Record<string, string>
    const [, claims = ''] = tokens.id_token?.split('.') ?? []
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({ sub: 'ada', aud: 'cli' })
    expect(tokens.refresh_token).toMatch(/^[\w-]{43}$/)
  })

  test.skipIf(isSkipped).concurrent(`${name}: a decline on the phone ends it`, async () => {
    const { status, output, shown } = await run([...command], decline)
    expect([status, output, shown]).toEqual([1, '', expect.stringContaining('Not signed in: access_denied')])
  })
}
