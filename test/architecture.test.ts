import { readdirSync, readFileSync } from 'node:fs'
import { dirname, posix } from 'node:path'
import { expect, test } from 'vitest'

/**
 * The layers of `lib`, from the top. A room imports from itself and from rooms in lower layers,
 * never from its own layer or above: so no import runs upwards, and none is part of a cycle.
 */
const LAYERS: readonly (readonly string[])[] = [
  ['server'],
  ['api'],
  ['auth'],
  ['http', 'accounts', 'apps'],
  ['realtime'],
  ['stores', 'metrics', 'client'],
  ['core', 'i18n'],
]

/** Packages of the server and the browser, each with the files that may import it. Types count. */
const VENDORS: Readonly<Record<string, readonly string[]>> = {
  '@redis/client': ['lib/stores/redis/client/connection.ts'],
  '@upstash/redis': ['lib/stores/redis/client/http.ts'],
  'barcode-detector': ['lib/client/code-reader.ts'],
  bowser: ['lib/http/device.ts'],
  cookie: ['lib/auth/cookies.ts'],
  'iron-session': ['lib/auth/cookies.ts'],
  jose: ['lib/auth/bearer.ts', 'lib/auth/key-set.ts'],
  libsql: ['lib/stores/sqlite/database.ts'],
  'mmdb-lib': ['lib/http/geo-database.ts'],
  next: ['app/', 'proxy.ts'],
  'openid-client': ['lib/accounts/oidc.ts'],
  pino: ['lib/server/log.ts'],
  'prom-client': ['lib/metrics/metrics.ts'],
  'qrcode.react': ['app/login/code-image.tsx'],
  react: ['app/'],
  'react-dom': ['app/'],
  uqr: ['instrumentation-node.ts'],
  zod: ['lib/accounts/endpoint.ts', 'lib/api/', 'lib/http/body.ts', 'lib/server/settings.ts', 'lib/server/config.ts'],
}

/** What runs in browsers: the platform's modules of Node are not there. */
const BROWSER_ROOMS = ['lib/client/', 'lib/i18n/']

/** The rooms that a folder outside `lib` may import from. `e2e` sees the app from outside. */
const OUTSIDE: Readonly<Record<string, (path: string) => boolean>> = {
  app: (path) => !path.startsWith('lib/stores/') && !path.startsWith('test/'),
  e2e: (path) => !path.startsWith('lib/') && !path.startsWith('app/'),
  lib: (path) => !path.startsWith('app/') && !path.startsWith('test/'),
}

interface Import {
  from: string
  /** A path of the project without extension, or the name of a package. */
  to: string
}

const IMPORT = /(?:from\s+|import\s*\(\s*|import\s+)(['"])([^'"\n]+)\1/g

function toPath(from: string, specifier: string): string {
  if (specifier.startsWith('@/')) return specifier.slice(2)
  return specifier.startsWith('.') ? posix.join(dirname(from), specifier) : specifier
}

function findImports(from: string, source: string): Import[] {
  return [...source.matchAll(IMPORT)].map(([, , specifier = '']) => ({ from, to: toPath(from, specifier) }))
}

/** The sources below a folder, without tests. */
function readFiles(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const sources = files.filter((file) => /\.tsx?$/.test(file) && !/\.test\.tsx?$/.test(file))
  return sources.map((file) => posix.join(folder, file))
}

const ROOMS = new Map(LAYERS.flatMap((rooms, depth) => rooms.map((room) => [room, depth] as const)))

function roomOf(path: string): string | null {
  return /^lib\/([^/.]+)(\/|$)/.exec(path)?.[1] ?? null
}

function isPackage(name: string, path: string): boolean {
  return path === name || path.startsWith(`${name}/`)
}

/** What is wrong with an import; null when it is as it has to be. */
function findMistake({ from, to }: Import): string | null {
  const [room, target] = [roomOf(from), roomOf(to)]
  if (from.startsWith('lib/') && from !== 'lib/index.ts' && (room === null || !ROOMS.has(room))) return 'is in no room'
  if (room !== null && target !== null && room !== target) {
    const isBelow = (ROOMS.get(target) ?? -1) > (ROOMS.get(room) ?? Number.POSITIVE_INFINITY)
    if (!isBelow) return `${room} imports ${target}, which is not below it`
  }
  const mayImport = OUTSIDE[from.split('/')[0] ?? '']
  if (mayImport !== undefined && !mayImport(to)) return `${from} may not import ${to}`
  if (BROWSER_ROOMS.some((browser) => from.startsWith(browser)) && to.startsWith('node:')) return 'runs in browsers'
  for (const [vendor, doors] of Object.entries(VENDORS)) {
    const isAllowed = doors.some((door) => from === door || (door.endsWith('/') && from.startsWith(door)))
    if (isPackage(vendor, to) && !isAllowed) return `${vendor} is imported by ${doors.join(', ')} alone`
  }
  return null
}

const imports = ['lib', 'app', 'e2e']
  .flatMap(readFiles)
  .flatMap((path) => findImports(path, readFileSync(path, 'utf8')))

test('every import points down, and each vendor has its files', () => {
  const mistakes = imports.flatMap((each) => {
    const mistake = findMistake(each)
    return mistake === null ? [] : [`${each.from} → ${each.to}: ${mistake}`]
  })
  expect(mistakes).toEqual([])
})

test('prints the rooms and what each imports from', () => {
  const arrows = new Map<string, Set<string>>(LAYERS.flat().map((room) => [room, new Set()]))
  for (const { from, to } of imports) {
    const [room, target] = [roomOf(from), roomOf(to)]
    if (room !== null && target !== null && room !== target) arrows.get(room)?.add(target)
  }
  const order = (a: string, b: string) => (ROOMS.get(a) ?? 0) - (ROOMS.get(b) ?? 0)
  const lines = [...arrows].map(([room, targets]) => `${room.padEnd(9)} → ${[...targets].sort(order).join(', ')}`)
  process.stdout.write(`\n${lines.join('\n')}\n`)
  expect(lines).toHaveLength(LAYERS.flat().length)
})

const READS_ENVIRONMENT = ['lib/server/config.ts']

test('only the settings read the environment', () => {
  const files = ['lib', 'app'].flatMap((folder) => readFiles(folder))
  const readers = files.filter((path) => readFileSync(path, 'utf8').includes('process.env'))
  expect(readers).toEqual(READS_ENVIRONMENT)
})

const REFUSED: [from: string, to: string][] = [
  ['lib/core/attempt/planted.ts', '../../stores/sqlite/store'],
  ['lib/core/planted.ts', '../http/body'],
  ['lib/core/planted.ts', 'next/headers'],
  ['lib/core/planted.ts', 'zod'],
  ['lib/stores/redis/planted.ts', '../../realtime/streams'],
  ['lib/stores/redis/planted.ts', '@redis/client'],
  ['lib/stores/redis/planted.ts', 'libsql'],
  ['lib/stores/sqlite/planted.ts', '../../metrics/metrics'],
  ['lib/realtime/planted.ts', '../http/body'],
  ['lib/http/planted.ts', '../auth/cookies'],
  ['lib/http/planted.ts', '../accounts/demo'],
  ['lib/auth/planted.ts', '../api/scan'],
  ['lib/auth/planted.ts', 'jose'],
  ['lib/api/planted.ts', '../server/shared'],
  ['lib/api/planted.ts', 'prom-client'],
  ['lib/api/planted.ts', 'next/server'],
  ['lib/api/planted.ts', '@/app/login/page'],
  ['lib/client/planted.ts', '../stores/fan-out'],
  ['lib/client/planted.ts', 'node:fs'],
  ['lib/client/planted.ts', 'zod'],
  ['lib/client/planted.ts', 'barcode-detector/ponyfill'],
  ['lib/i18n/planted.ts', '../core/attempt/attempt'],
  ['lib/planted.ts', './core/errors'],
  ['lib/elsewhere/planted.ts', '../core/errors'],
  ['lib/api/planted.ts', '@/test/support/app'],
  ['app/login/planted.tsx', 'iron-session'],
  ['app/login/planted.tsx', '@/lib/stores/sqlite/store'],
  ['e2e/planted.spec.ts', '../lib/core/attempt/attempt'],
  ['e2e/planted.spec.ts', '@/app/login/page'],
]

const ACCEPTED: [from: string, to: string][] = [
  ['lib/server/planted.ts', '../api/routes'],
  ['lib/api/planted.ts', '../http/body'],
  ['lib/auth/planted.ts', '../http/resource'],
  ['lib/core/attempt/planted.ts', '../errors'],
  ['lib/client/planted.ts', '../core/attempt/views'],
  ['lib/stores/sqlite/database.ts', 'libsql'],
  ['app/login/planted.tsx', 'react'],
  ['app/login/planted.tsx', '@/lib/server/shared'],
]

const plant = ([from, to]: [string, string]) => findImports(from, `import { planted } from '${to}'\n`).map(findMistake)

test.each(REFUSED)('%s may not import %s', (...planted) => {
  expect(plant(planted)).toEqual([expect.any(String)])
})

test.each(ACCEPTED)('%s may import %s', (...planted) => {
  expect(plant(planted)).toEqual([null])
})
