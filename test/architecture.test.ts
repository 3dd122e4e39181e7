import { readdirSync, readFileSync } from 'node:fs'
import { dirname, posix } from 'node:path'
import { expect, test } from 'vitest'

/**
 * The layers of `lib`, from the top. A folder imports from itself and from folders in lower layers
 * only. So no import points up, and there are no cycles between folders.
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

/** The files or folders that may import each vendor package. Type imports count too. */
const VENDORS: Readonly<Record<string, readonly string[]>> = {
  '@redis/client': ['lib/stores/redis/client/connection.ts'],
  '@simplewebauthn/browser': ['lib/client/passkey-browser.ts'],
  '@simplewebauthn/server': ['lib/accounts/passkeys.ts'],
  '@upstash/redis': ['lib/stores/redis/client/http.ts'],
  'barcode-detector': ['lib/client/code-reader.ts'],
  bowser: ['lib/http/device.ts'],
  cookie: ['lib/auth/cookies.ts'],
  'iron-session': ['lib/auth/cookies.ts'],
  jose: ['lib/apps/oidc/backchannel-logout.ts', 'lib/auth/bearer.ts', 'lib/auth/key-set.ts'],
  libsql: ['lib/stores/sqlite/database.ts'],
  'mmdb-lib': ['lib/http/geo-database.ts'],
  next: ['app/', 'proxy.ts'],
  'oidc-provider': ['lib/apps/oidc/'],
  'openid-client': ['lib/accounts/oidc.ts'],
  pino: ['lib/server/log.ts'],
  'prom-client': ['lib/metrics/metrics.ts'],
  'qrcode.react': ['app/login/code-image.tsx'],
  react: ['app/'],
  'react-dom': ['app/'],
  uqr: ['instrumentation-node.ts'],
  zod: [
    'lib/accounts/endpoint.ts',
    'lib/api/',
    'lib/apps/client-schema.mjs',
    'lib/http/body.ts',
    'lib/server/settings.ts',
    'lib/server/config.ts',
  ],
}

/** Folders that run in browsers, where Node's modules do not exist. */
const BROWSER_FOLDERS = ['lib/client/', 'lib/i18n/']

/** What the files of a top-level folder may import. `e2e` tests the app from outside. */
const MAY_IMPORT: Readonly<Record<string, (path: string) => boolean>> = {
  app: (path) => !path.startsWith('lib/stores/') && !path.startsWith('test/'),
  e2e: (path) => !path.startsWith('lib/') && !path.startsWith('app/'),
  lib: (path) => !path.startsWith('app/') && !path.startsWith('test/'),
}

interface Import {
  from: string
  /** A project path without extension, or a package name. */
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

/** The source files below a folder, without tests. */
function readFiles(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const sources = files.filter((file) => /\.(tsx?|mjs)$/.test(file) && !/\.test\.tsx?$/.test(file))
  return sources.map((file) => posix.join(folder, file))
}

const DEPTHS = new Map(LAYERS.flatMap((folders, depth) => folders.map((folder) => [folder, depth] as const)))

function folderOf(path: string): string | null {
  return /^lib\/([^/.]+)(\/|$)/.exec(path)?.[1] ?? null
}

function isPackage(name: string, path: string): boolean {
  return path === name || path.startsWith(`${name}/`)
}

/** The violated rule of an import; null if there is none. */
function findMistake({ from, to }: Import): string | null {
  const [folder, target] = [folderOf(from), folderOf(to)]
  if (from.startsWith('lib/') && from !== 'lib/index.ts' && (folder === null || !DEPTHS.has(folder)))
    return 'is in an unknown folder'
  if (folder !== null && target !== null && folder !== target) {
    const isBelow = (DEPTHS.get(target) ?? -1) > (DEPTHS.get(folder) ?? Number.POSITIVE_INFINITY)
    if (!isBelow) return `${folder} imports ${target}, which is not below it`
  }
  const mayImport = MAY_IMPORT[from.split('/')[0] ?? '']
  if (mayImport !== undefined && !mayImport(to)) return `${from} may not import ${to}`
  if (BROWSER_FOLDERS.some((browser) => from.startsWith(browser)) && to.startsWith('node:')) return 'runs in browsers'
  const isVendor = !/^(\.|node:|lib\/|app\/|scripts\/|test\/|package\.json)/.test(to) && !to.endsWith('.css')
  const isListed = Object.keys(VENDORS).some((vendor) => isPackage(vendor, to))
  if (isVendor && !isListed && /^(lib|app)\//.test(from)) return `${to} is not in the list of packages`
  for (const [vendor, allowed] of Object.entries(VENDORS)) {
    const isAllowed = allowed.some((path) => from === path || (path.endsWith('/') && from.startsWith(path)))
    if (isPackage(vendor, to) && !isAllowed) return `${vendor} may be imported by ${allowed.join(', ')} only`
  }
  return null
}

const imports = ['lib', 'app', 'e2e']
  .flatMap(readFiles)
  .flatMap((path) => findImports(path, readFileSync(path, 'utf8')))

test('every import points down, and each vendor package is imported by its listed files only', () => {
  const mistakes = imports.flatMap((each) => {
    const mistake = findMistake(each)
    return mistake === null ? [] : [`${each.from} → ${each.to}: ${mistake}`]
  })
  expect(mistakes).toEqual([])
})

test('every folder of the layers is printed with its imports', () => {
  const arrows = new Map<string, Set<string>>(LAYERS.flat().map((folder) => [folder, new Set()]))
  for (const { from, to } of imports) {
    const [folder, target] = [folderOf(from), folderOf(to)]
    if (folder !== null && target !== null && folder !== target) arrows.get(folder)?.add(target)
  }
  const order = (a: string, b: string) => (DEPTHS.get(a) ?? 0) - (DEPTHS.get(b) ?? 0)
  const lines = [...arrows].map(([folder, targets]) => `${folder.padEnd(9)} → ${[...targets].sort(order).join(', ')}`)
  process.stdout.write(`\n${lines.join('\n')}\n`)
  expect(lines).toHaveLength(LAYERS.flat().length)
})

const READS_ENVIRONMENT = ['lib/server/config.ts']

test('only lib/server/config.ts reads the environment', () => {
  const files = ['lib', 'app'].flatMap((folder) => readFiles(folder))
  const readers = files.filter((path) => readFileSync(path, 'utf8').includes('process.env'))
  expect(readers).toEqual(READS_ENVIRONMENT)
})

const REFUSED: [from: string, to: string][] = [
  ['lib/core/attempt/planted.ts', '../../stores/sqlite/store'],
  ['lib/core/planted.ts', '../http/body'],
  ['lib/core/planted.ts', 'next/headers'],
  ['lib/core/planted.ts', 'zod'],
  ['lib/core/planted.ts', 'lodash'],
  ['lib/stores/redis/planted.ts', '../../realtime/streams'],
  ['lib/stores/redis/planted.ts', '@redis/client'],
  ['lib/stores/redis/planted.ts', 'libsql'],
  ['lib/stores/sqlite/planted.ts', '../../metrics/metrics'],
  ['lib/realtime/planted.ts', '../http/body'],
  ['lib/http/planted.ts', '../auth/cookies'],
  ['lib/http/planted.ts', '../accounts/demo'],
  ['lib/apps/planted.ts', '../accounts/oidc'],
  ['lib/apps/planted.ts', 'zod'],
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

const MAX_COMMENT_LINE = 100

/** The numbers of the lines that are comments (`//`, `/*`, `*`, and `--` in Lua) and too long. */
function findLongComments(source: string): number[] {
  return source
    .split('\n')
    .flatMap((line, at) => (/^\s*(\/\/|\/\*|\*|-- )/.test(line) && line.length > MAX_COMMENT_LINE ? [at + 1] : []))
}

test(`no comment line has more than ${MAX_COMMENT_LINE} characters`, () => {
  const long = ['lib', 'app', 'scripts', 'test', 'e2e'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(tsx?|mjs|cjs|css)$/.test(file))
      .map((file) => posix.join(folder, file))
      .flatMap((path) => findLongComments(readFileSync(path, 'utf8')).map((line) => `${path}:${line}`)),
  )
  expect(long).toEqual([])
})

test.each(['// ', '  // ', '/** ', ' * ', '  /* ', '    -- '])('a long line of %j is found', (start) => {
  const fits = start.padEnd(MAX_COMMENT_LINE, 'x')
  expect(findLongComments(`code\n${fits}\n${fits}x\n${'code'.padEnd(110, '/')}`)).toEqual([3])
})
