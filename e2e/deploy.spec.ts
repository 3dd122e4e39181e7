import { spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { freePort } from './support/server'
import { expect, test, until } from './support/test'

/** Tests the Dockerfile, the compose file and the unit as far as possible without Docker. */

const DOCKERFILE = readFileSync('Dockerfile', 'utf8')
const [, BUILD = '', FINAL = ''] = DOCKERFILE.split(/^FROM .*$/m)
const SETTINGS = [...readFileSync('.env.example', 'utf8').matchAll(/^# ([A-Z_]+)=/gm)].map(([, name]) => name)

const environmentOf = (stage: string) =>
  Object.fromEntries([...stage.matchAll(/^ENV (\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]))

test('every file and script that the build stage uses exists', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> }
  for (const [, names = ''] of BUILD.matchAll(/^COPY (.*) \S+$/gm)) {
    for (const name of names.split(' ')) expect([name, existsSync(name)]).toEqual([name, true])
  }
  const runs = [...BUILD.matchAll(/npm run (\w+)/g)].map(([, name = '']) => name)
  expect(runs).toEqual(['build'])
  for (const name of runs) expect(scripts[name]).toBeDefined()
  const ignored = readFileSync('.dockerignore', 'utf8').trim().split('\n')
  expect(ignored).toEqual(expect.arrayContaining(['.git', '.env', 'node_modules', '.data']))
})

test('the files of the final stage are enough to serve, to be healthy and to stop by a signal', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'qr-login-image-'))
  for (const [, names = '', target = ''] of FINAL.matchAll(/^COPY --from=build (.*) (\S+)$/gm)) {
    for (const source of names.split(' ').map((name) => name.replace('/app/', ''))) {
      const to = join(folder, target.endsWith('/') ? join(target, source) : target)
      mkdirSync(dirname(to), { recursive: true })
      // Linked, because a second installation would prove nothing more.
      if (source === 'node_modules') symlinkSync(join(process.cwd(), source), to)
      else cpSync(source, to, { recursive: true, filter: (path) => !path.includes('.next/cache') })
    }
  }
  const port = String(await freePort())
  const env = {
    PATH: process.env.PATH,
    ...environmentOf(FINAL),
    PORT: port,
    DATA_DIR: join(folder, 'data'),
    PUBLIC_ORIGIN: 'https://login.example.com',
    SESSION_SECRET: 'x'.repeat(40),
  } as unknown as NodeJS.ProcessEnv
  const [command = '', ...args] = JSON.parse(/^CMD (.*)$/m.exec(FINAL)?.[1] ?? '[]') as string[]
  const image = spawn(command, args, { cwd: folder, env, stdio: 'ignore' })
  const [check = '', ...how] = JSON.parse(/^HEALTHCHECK .* CMD (.*)$/m.exec(FINAL)?.[1] ?? '[]') as string[]
  const isHealthy = () => spawnSync(check, how, { env }).status === 0
  expect(isHealthy()).toBe(false)
  await until(isHealthy)
  expect((await fetch(`http://127.0.0.1:${port}/login`)).status).toBe(200)
  const ended = new Promise((resolve) => image.once('exit', resolve))
  image.kill('SIGTERM')
  expect(await ended).toBe(143)
  expect(isHealthy()).toBe(false)
  rmSync(folder, { recursive: true })
})

test('the image runs as an unprivileged user, and sets only documented settings', () => {
  expect(FINAL).toMatch(/^USER node$/m)
  for (const name of Object.keys(environmentOf(FINAL))) expect(['NODE_ENV', ...SETTINGS]).toContain(name)
})

test('the compose file sets only documented settings; it and the unit leave time for the drain', () => {
  const compose = readFileSync('compose.yaml', 'utf8')
  const names = [...compose.matchAll(/^ {6}([A-Z_]+):/gm)].map(([, name]) => name)
  expect(names).toEqual(['PUBLIC_ORIGIN', 'SESSION_SECRET', 'REDIS_URL', 'TRUSTED_PROXIES'])
  for (const name of names) expect(SETTINGS).toContain(name)
  expect(Number(/stop_grace_period: (\d+)s/.exec(compose)?.[1])).toBeGreaterThan(10)
  const unit = readFileSync('deploy/qr-login.service', 'utf8')
  const start = /^ExecStart=\/usr\/bin\/node (\S+)$/m.exec(unit)?.[1] ?? ''
  expect(existsSync(start)).toBe(true)
  expect(Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1])).toBeGreaterThan(10)
})

test('systemd accepts the unit', () => {
  test.skip(spawnSync('systemd-analyze', ['--version']).status !== 0, 'systemd is not available')
  const { stdout, stderr } = spawnSync('systemd-analyze', ['verify', 'deploy/qr-login.service'], { encoding: 'utf8' })
  // The programs of the unit are not installed on this machine.
  const complaints = `${stdout}${stderr}`
    .split('\n')
    .filter((line) => line.includes('qr-login.service') && !/not executable|No such file/.test(line))
  expect(complaints).toEqual([])
})

test('Docker builds the image', () => {
  test.skip(spawnSync('docker', ['info']).status !== 0, 'no Docker engine is available')
  test.setTimeout(600_000)
  expect(spawnSync('docker', ['build', '-q', '.'], { stdio: 'inherit' }).status).toBe(0)
})
