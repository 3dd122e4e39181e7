import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'
import { readRecipes } from '@/app/(home)/read-recipes'
import type { Review } from '@/lib/core/attempt/views'
import { AppServer } from '@/test/support/app-server'
import { until } from '@/test/support/until'
import { signedInPhone } from '@/test/support/user-agent'

/** What the home page of the demo shows: each file is run or parsed as it is shown. */

const ORIGIN = 'http://192.0.2.7:3000'

async function fileOf(name: string, origin = ORIGIN): Promise<string> {
  const recipes = await readRecipes(origin, process.cwd())
  return recipes.flatMap(({ files }) => files).find((file) => file.name === name)?.code ?? ''
}

/** With `CI` set a missing program is a failure. */
const isMissing = (command: string, ...args: string[]) =>
  process.env.CI === undefined && spawnSync(command, args).error !== undefined

let folder: string | null = null
let child: ChildProcess | null = null
afterEach(() => {
  child?.kill('SIGKILL')
  if (folder !== null) rmSync(folder, { recursive: true })
  folder = null
})

function write(name: string, text: string): string {
  folder ??= mkdtempSync(join(tmpdir(), 'qr-login-recipe-'))
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

test('there are three recipes, with this origin and without placeholders', async () => {
  const recipes = await readRecipes(ORIGIN, process.cwd())
  expect(recipes.map(({ kind }) => kind)).toEqual(['openid', 'proxy', 'shell'])
  for (const { kind, files } of recipes) {
    expect([kind, files.some(({ code }) => code.includes(ORIGIN))]).toEqual([kind, true])
    for (const { name, code } of files) expect([name, code]).not.toEqual([name, expect.stringMatching(/\{\{|\}\}/)])
  }
})

test('there are none without the guide', async () => {
  expect(await readRecipes(ORIGIN, tmpdir())).toEqual([])
})

describe('OpenID Connect', () => {
  test('authjs.env is a settings file with the issuer of this server', async () => {
    expect(parseEnv(await fileOf('authjs.env'))).toMatchObject({
      QR_LOGIN_ISSUER: `${ORIGIN}/oidc`,
      QR_LOGIN_CLIENT_ID: expect.any(String),
      QR_LOGIN_CLIENT_SECRET: expect.any(String),
    })
  })

  test('authjs.mjs is a module that Node parses, and reads those settings', async () => {
    const code = await fileOf('authjs.mjs')
    const path = write('authjs.mjs', code)
    expect(spawnSync(process.execPath, ['--check', path], { encoding: 'utf8' })).toMatchObject({ status: 0 })
    for (const name of Object.keys(parseEnv(await fileOf('authjs.env')))) {
      // Auth.js itself reads the last one.
      if (name !== 'AUTH_SECRET') expect(code).toContain(`process.env.${name}`)
    }
  })
})

test.skipIf(isMissing('nginx', '-v'))('nginx takes nginx.conf', async () => {
  const server = `server {\n listen 127.0.0.1:8443;\n${await fileOf('nginx.conf')}\n}`
  const path = write('nginx.conf', `events {}\nhttp {\n${server}\n}\n`)
  const tested = spawnSync('nginx', ['-t', '-e', 'stderr', '-c', path, '-g', 'pid /dev/null;'], { encoding: 'utf8' })
  expect([tested.status, tested.stderr]).toEqual([0, expect.stringContaining('syntax is ok')])
})

/** The program in a shell, and a phone, at a server with these settings. */
async function runProgram(env: Record<string, string> = {}) {
  const server = await AppServer.start({ clients: [], env })
  const phone = await signedInPhone(server.origin)
  const program = spawn('sh', [write('sign-in.sh', await fileOf('sign-in.sh', server.origin))])
  child = program
  let output = ''
  program.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  const ended = new Promise((resolve) => program.once('close', resolve))
  await until(() => output.includes('/q#'))
  const code = /\/q#(\S+)/.exec(output)?.[1]
  const review = await phone.call<Review>('POST', `${server.origin}/api/qr/scan`, { body: { code } })
  const answer = (step: 'confirm' | 'cancel') =>
    phone.call('POST', `${server.origin}/api/qr/${step}`, { body: { claim: review.claim } })
  return { server, phone, program, ended, review, answer, output: () => output }
}

describe.skipIf(isMissing('curl', '--version'))('the program in a shell', () => {
  test.each(['never', 'always'])('prints who has signed in, and signs out: MATCH_POLICY %s', async (policy) => {
    const { server, phone, program, ended, review, answer, output } = await runProgram({ MATCH_POLICY: policy })
    if (policy === 'always') {
      await until(() => output().includes('The number on your phone: '))
      program.stdin.write(`${review.match.number}\n`)
    }
    await until(() => output().includes('Now tap Sign in'))
    await answer('confirm')
    expect([await ended, output()]).toEqual([0, expect.stringContaining('"name":"Ada Byron"')])
    expect(await phone.call('GET', `${server.origin}/api/sessions`)).toEqual({ sessions: [] })
    await server.stop()
  })

  test('fails when the phone declines', async () => {
    const { server, ended, answer } = await runProgram()
    await answer('cancel')
    expect(await ended).toBe(1)
    await server.stop()
  })
})
