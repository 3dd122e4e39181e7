import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Agent } from './support/agent'
import { run } from './support/run'
import { freePort, Server } from './support/server'
import { expect, test, until } from './support/test'

test('invalid settings: the process prints a table and exits with 1', async () => {
  const started = run(process.execPath, ['scripts/start.mjs'], {
    PORT: String(await freePort()),
    NODE_ENV: 'production',
    PUBLIC_ORIGIN: 'https://login.example.com/path',
    MATCH_POLICY: 'sometimes',
  })
  expect(await started.ended).toBe(1)
  expect(started.output()).toMatch(/^ {2}PUBLIC_ORIGIN +expected: an origin/m)
  expect(started.output()).toMatch(/^ {2}MATCH_POLICY +expected: risk, always or never/m)
  expect(started.output()).toMatch(/^ {2}SESSION_SECRET +required in production/m)
})

test('an invalid GEOIP_DB: the process prints a table and exits with 1', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'qr-login-places-'))
  const settings = {
    NODE_ENV: 'production',
    PUBLIC_ORIGIN: 'https://login.example.com',
    SESSION_SECRET: 'x'.repeat(40),
  }
  const started = run(process.execPath, ['scripts/start.mjs'], {
    ...settings,
    PORT: String(await freePort()),
    DATA_DIR: dataDir,
    GEOIP_DB: 'package.json',
  })
  expect(await started.ended).toBe(1)
  expect(started.output()).toMatch(/^ {2}GEOIP_DB +expected: the path of a readable MMDB file/m)
  rmSync(dataDir, { recursive: true })
})

const START = {
  ours: ['scripts/start.mjs'],
  next: ['node_modules/next/dist/bin/next', 'start'],
}

for (const kind of ['ours', 'next'] as const) {
  test(`an unknown NODE_ENV is production, and requires its settings: ${kind}`, async () => {
    for (const mode of ['staging', 'Production', 'dev']) {
      const started = run(process.execPath, START[kind], { PORT: String(await freePort()), NODE_ENV: mode })
      expect(await started.ended).toBe(1)
      for (const name of ['PUBLIC_ORIGIN', 'SESSION_SECRET']) {
        expect(started.output()).toMatch(new RegExp(`^ {2}${name} +required in production`, 'm'))
      }
    }
  })

  test(`an unknown NODE_ENV has neither demo accounts nor the gallery: ${kind}`, async () => {
    const server = new Server(await freePort(), { NODE_ENV: 'staging', DEMO_ACCOUNTS: '' }, { server: kind })
    await server.start()
    const phone = new Agent(server.origin)
    const { status, json } = await phone.send('POST', '/api/phone/session', { username: 'ada', password: 'demo' })
    expect([status, json.code]).toEqual([401, 'credentials_wrong'])
    expect((await fetch(`${server.origin}/dev/states`)).status).toBe(404)
    expect((await fetch(`${server.origin}/login`)).status).toBe(200)
    expect(await (await fetch(`${server.origin}/phone`)).text()).not.toContain('demo-account')
    await server.dispose()
  })
}

const MINIMAL = {
  NODE_ENV: 'production',
  PUBLIC_ORIGIN: 'https://login.example.com',
  SESSION_SECRET: 'x'.repeat(40),
}

for (const kind of ['ours', 'next'] as const) {
  test(`an invalid secret file: the process prints how to repair it and exits with 1: ${kind}`, async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'qr-login-secret-'))
    // In the demo the secret is read from this file, if it exists.
    writeFileSync(join(dataDir, 'session-secret'), 'short')
    const port = await freePort()
    const started = run(process.execPath, START[kind], { DEMO: '1', DATA_DIR: dataDir, PORT: String(port) })
    expect(await started.ended).toBe(1)
    expect(started.output()).toMatch(/^qr-login cannot start/m)
    expect(started.output()).toMatch(/session-secret {2}holds no secret$/m)
    expect(started.output()).toMatch(/^Remove the file, and a new secret is made/m)
    expect(started.output()).not.toContain('"msg":"started"')
    rmSync(dataDir, { recursive: true })
  })

  test(`a port in use: the process prints the cause and exits with 1: ${kind}`, async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'qr-login-port-'))
    const other = createServer()
    const port = await new Promise<number>((done) => {
      other.listen(0, () => done((other.address() as { port: number }).port))
    })
    const started = run(process.execPath, START[kind], { ...MINIMAL, DATA_DIR: dataDir, PORT: String(port) })
    expect(await started.ended).toBe(1)
    expect(started.output()).toMatch(kind === 'ours' ? new RegExp(`^ {2}PORT +${port} is in use`, 'm') : /EADDRINUSE/)
    // Logged only once the port is open.
    expect(started.output()).not.toContain('"msg":"started"')
    other.close()
    rmSync(dataDir, { recursive: true })
  })

  test(`an app that is not built: the process prints the command to build it and exits with 1: ${kind}`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'qr-login-unbuilt-'))
    const [script = '', ...more] = START[kind]
    const args = [resolve(script), ...more]
    const started = run(process.execPath, args, { ...MINIMAL, PORT: String(await freePort()) }, { cwd: folder })
    expect(await started.ended).toBe(1)
    expect(started.output()).toContain(kind === 'ours' ? 'npm run build' : 'next build')
    rmSync(folder, { recursive: true })
  })
}

test('an address of another machine: the process names the setting and exits with 1', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'qr-login-host-'))
  const settings = { ...MINIMAL, DATA_DIR: dataDir, PORT: String(await freePort()) }
  const started = run(process.execPath, START.ours, { ...settings, HOSTNAME: '192.0.2.1' })
  expect(await started.ended).toBe(1)
  expect(started.output()).toMatch(/^ {2}HOSTNAME +192\.0\.2\.1 is no address of this machine/m)
  rmSync(dataDir, { recursive: true })
})

test('the log line "started" has the port', async ({ server }) => {
  const line = server.output.split('\n').find((text) => text.includes('"msg":"started"')) ?? '{}'
  expect(JSON.parse(line)).toMatchObject({ port: server.port, publicOrigin: server.origin })
})

test('a signal to npm run demo during the build also ends the build', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'qr-login-demo-'))
  mkdirSync(join(folder, 'scripts'))
  for (const name of ['demo.mjs', 'start.mjs']) copyFileSync(`scripts/${name}`, join(folder, 'scripts', name))
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
  // A slow build, which waits for its configuration.
  const config = "process.stdout.write('building\\n')\nawait new Promise((resolve) => setTimeout(resolve, 50_000))\n"
  writeFileSync(join(folder, 'next.config.mjs'), `${config}export default {}\n`)
  mkdirSync(join(folder, 'app'))
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const demo = run(process.execPath, ['scripts/demo.mjs'], {}, { cwd: folder, ownGroup: true })
    await until(() => demo.output().includes('building'))
    demo.kill(signal)
    expect(await demo.ended).toBe(signal === 'SIGTERM' ? 143 : 130)
    await until(() => !demo.hasGroup())
  }
  rmSync(folder, { recursive: true })
})
