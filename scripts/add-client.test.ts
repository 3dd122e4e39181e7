import { spawn } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parseClients, toView } from '@/lib/apps/clients'
import { mountTmpfs } from '@/test/support/tmpfs'

const SCRIPT = resolve('scripts/add-client.mjs')
const ORIGIN = 'https://login.example.com'
const WIKI = ['--name', 'Wiki', '--url', 'https://wiki.example.com']

let folder = ''
let file = ''
const tmpfs = mountTmpfs()
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qr-login-add-client-'))
  file = join(folder, 'clients.json')
})
afterEach(() => {
  tmpfs.unmountAll()
  rmSync(folder, { recursive: true })
})

/** Runs the script in the folder of the test. `input`: written to stdin, which then ends. */
async function run(args: string[], { env = {}, input = '' }: { env?: Record<string, string>; input?: string } = {}) {
  const child = spawn(process.execPath, [SCRIPT, ...args], {
    cwd: folder,
    env: { NODE_ENV: 'production', PUBLIC_ORIGIN: ORIGIN, CLIENTS_FILE: file, ...env },
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const code = await new Promise<number | null>((done) => child.once('close', done))
  return { code, stdout, stderr }
}

const read = () => readFileSync(file, 'utf8')
const clientsOf = () => parseClients(read())

/** The files that the output has to paste, by name. */
function snippetsOf(stdout: string): Record<string, string> {
  const [, ...parts] = stdout.split(/^──── /m)
  return Object.fromEntries(
    parts.map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n')).trim()]),
  )
}

describe('the entry', () => {
  test('has an id of the name, a random secret, and the addresses of the library; the file is 0600', async () => {
    const { code, stderr } = await run([...WIKI, '--for', 'authjs'])
    expect([code, stderr]).toEqual([0, ''])
    const [client] = clientsOf()
    expect(client).toMatchObject({
      client_id: 'wiki',
      client_secret: expect.stringMatching(/^[\w-]{43}$/),
      client_name: 'Wiki',
      client_uri: 'https://wiki.example.com/',
      redirect_uris: ['https://wiki.example.com/auth/callback/qr-login'],
      post_logout_redirect_uris: ['https://wiki.example.com/'],
      token_endpoint_auth_method: 'client_secret_basic',
      scope: 'openid profile email groups offline_access',
      first_party: false,
    })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder)).toEqual(['clients.json'])
  })

  test('a second one leaves the first byte for byte, and has another id and secret', async () => {
    const before =
      '[ {"client_id":"wiki",  "client_name": "Wiki","client_secret":"a-secret-of-a-test-that-is-long-enough",\r\n "redirect_uris":["https://wiki.example.com/cb"]}\r\n\r\n ]\r\n'
    writeFileSync(file, before)
    expect((await run([...WIKI, '--for', 'apache'])).code).toBe(0)
    const text = read()
    expect(text.startsWith(before.slice(0, before.lastIndexOf('}') + 1))).toBe(true)
    expect(text.split('\n').every((line) => line === '' || line.endsWith('\r'))).toBe(true)
    expect((await run([...WIKI, '--for', 'apache'])).code).toBe(0)
    expect(read().startsWith(text.slice(0, text.lastIndexOf('}') + 1))).toBe(true)
    const clients = clientsOf()
    expect(clients.map((client) => client.client_id)).toEqual(['wiki', 'wiki-2', 'wiki-3'])
    expect(new Set(clients.map((client) => client.client_secret)).size).toBe(3)
  })

  test.each([
    ['Über Café №1', 'https://a.example', 'uber-cafe-no1'],
    ['维基', 'https://wiki.example.com:8443', 'wiki-example-com'],
  ])('the id of %s at %s is %s', async (name, url, id) => {
    await run(['--name', name, '--url', url, '--for', 'authjs'])
    expect(clientsOf()[0]).toMatchObject({ client_id: id, client_name: name })
  })

  test('--redirect-uri replaces the suggestion, and --first-party needs no consent', async () => {
    const uris = ['https://wiki.example.com/api/auth/callback/qr-login', 'http://localhost:3000/cb']
    const flags = uris.flatMap((uri) => ['--redirect-uri', uri])
    await run([...WIKI, '--for', 'authjs', '--first-party', ...flags])
    expect(clientsOf()[0]).toMatchObject({ redirect_uris: uris, first_party: true })
  })

  test('an app below a path, without a scheme, and with a slash at the end', async () => {
    await run(['--name', 'Wiki', '--url', 'intra.example.com/wiki/', '--for', 'openid-client'])
    const [client] = clientsOf()
    expect(client?.redirect_uris).toEqual(['https://intra.example.com/wiki/callback'])
    expect(client && toView(client).homeUrl).toBe('https://intra.example.com/wiki/')
  })
})

describe('questions', () => {
  test('three are asked, and a wrong answer is asked for again', async () => {
    const input = '\nWiki\nhttp://wiki.example.com\nhttps://wiki.example.com\n9\n3\n'
    const { code, stdout } = await run([], { input })
    expect(code).toBe(0)
    expect(stdout.match(/The name of the app/g)).toHaveLength(2)
    expect(stdout.match(/The address of the app/g)).toHaveLength(2)
    expect(stdout.match(/What the app uses:\n {2}1 {2}Auth\.js\n {2}2 {2}better-auth\n/g)).toHaveLength(2)
    expect(clientsOf()[0]?.redirect_uris).toEqual(['https://wiki.example.com/callback'])
  })

  test('options are not asked for, and a library has a name too', async () => {
    const { stdout } = await run(['--url', 'https://wiki.example.com'], { input: 'Wiki\nbetter-auth\n' })
    expect(stdout).not.toContain('The address of the app')
    expect(clientsOf()).toHaveLength(1)
  })

  test('an end of the answers changes nothing', async () => {
    const { code, stderr } = await run([], { input: 'Wiki\n' })
    expect([code, stderr.trim(), existsSync(file)]).toEqual([1, 'No answer: nothing was changed.', false])
  })

  test.each([{ LANG: 'zh_CN.UTF-8' }, { LANG: 'en_US.UTF-8', LC_ALL: 'zh_TW' }])('Chinese with %j', async (env) => {
    const { stdout } = await run([], { env, input: '维基\nhttps://wiki.example.com\n1\n' })
    expect(stdout).toContain('应用的名称')
    expect(stdout).toContain('已把客户端 wiki-example-com 写入')
    expect(stdout.replace(/^──── .*/ms, '')).not.toMatch(/[Tt]he |Added/)
  })

  test.each([{ LANG: 'C' }, { LANG: 'zh_CN', LC_ALL: 'C.UTF-8' }])('English with %j', async (env) => {
    expect((await run([...WIKI, '--for', 'authjs'], { env })).stdout).toContain('Added the client wiki')
  })
})

describe('what to paste', () => {
  test.each([
    ['authjs', ['authjs.env', 'authjs.mjs']],
    ['better-auth', ['better-auth.env', 'better-auth.mjs']],
    ['openid-client', ['openid-client.env', 'openid-client.mjs']],
    ['apache', ['apache.conf']],
  ])('%s: %j, with the values of the client and the issuer', async (target, files) => {
    const { stdout } = await run([...WIKI, '--for', target])
    const [client] = clientsOf()
    const snippets = snippetsOf(stdout)
    expect(Object.keys(snippets)).toEqual(files)
    const settings = snippets[files[0] ?? ''] ?? ''
    for (const value of [client?.client_id, client?.client_secret, `${ORIGIN}/oidc`]) expect(settings).toContain(value)
    const all = Object.values(snippets).join('\n')
    expect(all).toContain('openid')
    expect(all).toMatch(/S256|pkce/)
    expect(all).not.toMatch(/\{\{|^\w+=$/m)
    expect(stdout).toContain(client?.redirect_uris[0])
    expect(stdout).toContain('kill -HUP')
    // Each run has a random value of its own for the cookies of the app.
    expect(settings).toMatch(/(_SECRET=|OIDCCryptoPassphrase )[\w-]{43}$/m)
  })

  test.each(['nginx', 'caddy'])(
    '%s: the hosts and the configuration of the proxy; there is no client',
    async (target) => {
      const env = { FORWARD_AUTH_HOSTS: 'chat.example.com' }
      const { code, stdout } = await run([...WIKI, '--for', target], { env })
      expect([code, existsSync(file)]).toEqual([0, false])
      expect(stdout).toContain('\nFORWARD_AUTH_HOSTS=chat.example.com,wiki.example.com\n')
      const [snippet = ''] = Object.values(snippetsOf(stdout))
      expect(snippet).toContain('wiki.example.com')
      expect(snippet).toContain(`${ORIGIN}`)
      expect(snippet).not.toContain('{{')
    },
  )

  test('without CLIENTS_FILE the client is added to clients.json, and the output says to set it', async () => {
    const { stdout } = await run([...WIKI, '--for', 'authjs'], { env: { CLIENTS_FILE: '' } })
    expect(stdout).toMatch(/^Set CLIENTS_FILE=\/.*\/clients\.json and restart qr-login\.$/m)
    expect(clientsOf()).toHaveLength(1)
  })

  test('settings of .env count, and those of the environment before them', async () => {
    writeFileSync(
      join(folder, '.env'),
      `PUBLIC_ORIGIN=https://env.example.com\nCLIENTS_FILE=${join(folder, 'other.json')}\n`,
    )
    const { stdout } = await run([...WIKI, '--for', 'authjs'])
    expect(stdout).toContain(`QR_LOGIN_ISSUER=${ORIGIN}/oidc\n`)
    const bare = spawn(process.execPath, [SCRIPT, ...WIKI, '--for', 'authjs'], {
      cwd: folder,
      env: { NODE_ENV: 'production' },
    })
    expect(await new Promise((done) => bare.once('close', done))).toBe(0)
    expect(readFileSync(join(folder, 'other.json'), 'utf8')).toContain('"wiki"')
  })
})

describe('refused, and nothing is changed', () => {
  const GOOD = '[]\n'

  test.each<[reason: string, args: string[], env: Record<string, string>, message: RegExp]>([
    ['an unknown library', [...WIKI, '--for', 'passport'], {}, /^One of: authjs, better-auth,/],
    ['an unknown option', [...WIKI, '--for', 'authjs', '--client-id', 'x'], {}, /--client-id/],
    ['a wrong name', ['--name', 'a\u202eb', '--url', 'https://a.example', '--for', 'authjs'], {}, /^A name has/],
    ['a wrong address', ['--name', 'a', '--url', 'http://a.example', '--for', 'authjs'], {}, /^An address is https/],
    [
      'a wrong redirect URI',
      [...WIKI, '--for', 'authjs', '--redirect-uri', 'http://a.example/'],
      {},
      /redirect_uris 1 +expected/,
    ],
    [
      'forward auth without https',
      ['--name', 'a', '--url', 'http://localhost', '--for', 'nginx'],
      {},
      /needs an https/,
    ],
    ['no origin', [...WIKI, '--for', 'authjs'], { PUBLIC_ORIGIN: '' }, /^PUBLIC_ORIGIN is not set/],
    ['a wrong origin', [...WIKI, '--for', 'authjs'], { PUBLIC_ORIGIN: 'https://a.example/path' }, /are an origin/],
  ])('%s', async (_, args, env, message) => {
    writeFileSync(file, GOOD)
    const { code, stderr } = await run(args, { env })
    expect(code).toBe(1)
    expect(stderr).toMatch(message)
    expect([read(), readdirSync(folder)]).toEqual([GOOD, ['clients.json']])
  })

  test('a file with mistakes, with the table and without a secret', async () => {
    const text = '[{"client_id": "wiki", "client_secret": "hunter2", "client_name": "Wiki"}]'
    writeFileSync(file, text)
    const { code, stderr, stdout } = await run([...WIKI, '--for', 'authjs'])
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/client 1 \(wiki\) client_secret +expected: 32 to 512/)
    expect(stderr).toMatch(/client 1 \(wiki\) redirect_uris +required/)
    expect(stderr).not.toContain('hunter2')
    expect([read(), readdirSync(folder)]).toEqual([text, ['clients.json']])
  })

  test('a second process at the same time', async () => {
    writeFileSync(file, GOOD)
    writeFileSync(`${file}.new`, '')
    const { code, stderr } = await run([...WIKI, '--for', 'authjs'])
    expect([code, read(), existsSync(`${file}.new`)]).toEqual([1, GOOD, true])
    expect(stderr).toContain('another add-client is running')
  })

  test('a folder that is not there', async () => {
    const { code, stderr } = await run([...WIKI, '--for', 'authjs', '--file', join(folder, 'none', 'clients.json')])
    expect([code, stderr]).toEqual([1, expect.stringMatching(/was not changed: ENOENT/)])
  })

  test.skipIf(tmpfs.reason !== null)(`a full disk${tmpfs.title}`, async () => {
    const disk = join(folder, 'disk')
    mkdirSync(disk)
    tmpfs.mount(disk, 'size=64k')
    file = join(disk, 'clients.json')
    expect((await run([...WIKI, '--for', 'authjs'])).code).toBe(0)
    const before = read()
    // What is left is less than a block: a new file can be made, and nothing be written to it.
    expect(() => writeFileSync(join(disk, 'filler'), Buffer.alloc(128 * 1024))).toThrow('ENOSPC')
    const { code, stderr, stdout } = await run([...WIKI, '--for', 'authjs'])
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/was not changed: ENOSPC/)
    expect([read(), readdirSync(disk).sort()]).toEqual([before, ['clients.json', 'filler']])
    rmSync(join(disk, 'filler'))
    expect((await run([...WIKI, '--for', 'authjs'])).code).toBe(0)
    expect(clientsOf()).toHaveLength(2)
  })
})

test('an existing file keeps its mode, and a link stays a link', async () => {
  const target = join(folder, 'real.json')
  writeFileSync(target, '[]')
  chmodSync(target, 0o640)
  symlinkSync(target, file)
  expect((await run([...WIKI, '--for', 'authjs'])).code).toBe(0)
  expect(lstatSync(file).isSymbolicLink()).toBe(true)
  expect(statSync(target).mode & 0o777).toBe(0o640)
  expect(clientsOf()).toHaveLength(1)
})
