import { chmodSync, mkdirSync, mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { StartError } from '../core/start-error'
import { ClientRegistry } from './client-registry'

const SECRET = 'a-secret-of-a-test-that-is-long-enough'
const entry = (id: string, changed: object = {}) => ({
  client_id: id,
  client_secret: SECRET,
  client_name: id,
  redirect_uris: [`https://${id}.example.com/callback`],
  ...changed,
})

let folder = ''
let file = ''
let lines: { level: 'info' | 'error'; facts: object; message: string }[] = []
const log = {
  info: (facts: object, message: string) => void lines.push({ level: 'info', facts, message }),
  error: (facts: object, message: string) => void lines.push({ level: 'error', facts, message }),
}
const write = (...entries: unknown[]) => writeFileSync(file, JSON.stringify(entries))
const idsOf = (registry: ClientRegistry) => registry.clients.map((client) => client.client_id)

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'qr-login-clients-'))
  file = join(folder, 'clients.json')
  lines = []
})
afterEach(() => rmSync(folder, { recursive: true }))

function messageOf(path: string): string {
  try {
    new ClientRegistry(path, log)
    return 'started'
  } catch (error) {
    if (error instanceof StartError) return error.message
    throw error
  }
}

test('clients are found by their id, and listed in the order of the file', () => {
  write(entry('wiki'), entry('chat'))
  const registry = new ClientRegistry(file, log)
  expect(idsOf(registry)).toEqual(['wiki', 'chat'])
  expect(registry.find('chat')).toMatchObject({ client_name: 'chat', first_party: false })
  expect([registry.find('other'), registry.find('toString')]).toEqual([null, null])
})

test('the origins of the logos, once each, change with the file', () => {
  const logo = (uri: string) => ({ logo_uri: uri })
  write(
    entry('wiki', logo('https://static.example.com/wiki.png')),
    entry('chat', logo('https://static.example.com/chat.png?size=2')),
    entry('news', logo('https://cdn.example.com:8443/news.svg')),
    // A host that would end the directive of a policy.
    entry('evil', logo('https://a;script-src/logo.png')),
    entry('none'),
  )
  const registry = new ClientRegistry(file, log)
  expect(registry.logoOrigins).toEqual(['https://cdn.example.com:8443', 'https://static.example.com'])
  write(entry('none'))
  registry.reload()
  expect(registry.logoOrigins).toEqual([])
})

describe('a wrong file at the start', () => {
  test('is a table of all mistakes, and the path of the guide', () => {
    write(entry('wiki', { scope: 'all' }), entry('chat', { client_secret: 'hunter2' }))
    expect(messageOf(file).split('\n')).toEqual([
      `qr-login cannot start. The clients file has mistakes: ${file}`,
      expect.stringMatching(/^ {2}client 1 \(wiki\) scope {10}expected: openid, and any of/),
      expect.stringMatching(/^ {2}client 2 \(chat\) client_secret {2}expected: 32 to 512/),
      'docs/guides/apps/README.md describes every field.',
    ])
    expect(messageOf(file)).not.toContain('hunter2')
  })

  test.each<[problem: string, make: () => void]>([
    ['there is none under this path', () => {}],
    ['this is a folder', () => mkdirSync(file)],
    ['it is not UTF-8', () => writeFileSync(file, Buffer.from([0x5b, 0xff, 0x5d]))],
    ['it is larger than 1 MB', () => writeFileSync(file, ' '.repeat(1024 * 1024 + 1))],
  ])('%s', (problem, make) => {
    make()
    expect(messageOf(file)).toMatch(new RegExp(`CLIENTS_FILE {2}expected: the path of a readable file: ${problem}: /`))
  })

  test('a path below a file, and a file that this user may not read', () => {
    write(entry('wiki'))
    expect(messageOf(join(file, 'below'))).toContain('there is none under this path')
    chmodSync(file, 0)
    // The superuser may read every file.
    expect(messageOf(file)).toMatch(process.getuid?.() === 0 ? /^started$/ : /this user may not read it/)
  })
})

describe('a reload', () => {
  test('takes a new file, and tells each listener of the new list', () => {
    write(entry('wiki'))
    const registry = new ClientRegistry(file, log)
    const told: string[][] = []
    const end = registry.onChange((clients) => told.push(clients.map((client) => client.client_id)))
    write(entry('wiki', { client_name: 'Our wiki' }), entry('chat'))
    expect(idsOf(registry)).toEqual(['wiki'])
    expect(registry.reload()).toBe(true)
    expect(idsOf(registry)).toEqual(['wiki', 'chat'])
    expect(registry.find('wiki')?.client_name).toBe('Our wiki')
    expect(lines).toEqual([{ level: 'info', facts: { clients: 2 }, message: 'clients file read' }])
    end()
    write(entry('chat'))
    registry.reload()
    expect(registry.find('wiki')).toBeNull()
    expect(told).toEqual([['wiki', 'chat']])
  })

  test.each<[kind: string, change: () => void]>([
    ['with mistakes', () => write(entry('wiki', { client_secret: 'hunter2' }), entry('chat'))],
    ['that is half written', () => writeFileSync(file, `[{"client_id": "wiki", "client_secret": "${SECRET}`)],
    ['that is empty', () => writeFileSync(file, '')],
    ['that is not there', () => unlinkSync(file)],
  ])('of a file %s changes nothing, and is one error line without a secret', (_, change) => {
    write(entry('wiki'))
    const registry = new ClientRegistry(file, log)
    const before = registry.clients
    let notifications = 0
    registry.onChange(() => {
      notifications += 1
    })
    change()
    expect(registry.reload()).toBe(false)
    expect(registry.clients).toEqual(before)
    expect(notifications).toBe(0)
    expect(lines.map(({ level, facts }) => [level, Object.keys(facts)])).toEqual([['error', ['problems']]])
    expect(JSON.stringify(lines)).not.toMatch(/hunter2|a-secret/)
  })

  test('a listener that fails keeps no other from the new list', () => {
    write(entry('wiki'))
    const registry = new ClientRegistry(file, log)
    let count = 0
    registry.onChange(() => {
      throw new Error('broken')
    })
    registry.onChange((clients) => {
      count = clients.length
    })
    write(entry('wiki'), entry('chat'))
    expect([registry.reload(), count]).toEqual([true, 2])
    expect(lines.map(({ level }) => level)).toEqual(['info', 'error'])
  })
})
