import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

const REFUSED = [
  ['lib/attempt', '../store/store'],
  ['lib/attempt', 'next/headers'],
  ['lib/attempt', '../config'],
  ['lib/session', '../http/body'],
  ['lib/sse', '../attempt/attempt'],
  ['lib/store', '../services'],
  ['lib/store', 'libsql'],
  ['lib/limits', '../store/store'],
  ['lib/limits', '../attempt/attempt'],
  ['lib/limits', 'libsql'],
  ['lib/sqlite', '../store/store'],
  ['lib/server/create-server', '../http/body'],
  ['lib/server/create-server', 'jose'],
  ['lib/store', '@redis/client'],
  ['lib/redis', '../store/store'],
  ['lib/redis', '@upstash/redis'],
  ['lib/http', '../api/scan'],
  ['lib/http', 'next/server'],
  ['lib/auth', '../api/scan'],
  ['lib/auth', 'iron-session'],
  ['lib/auth', 'jose'],
  ['lib/metrics', 'prom-client'],
  ['lib/metrics', '../http/body'],
  ['lib/api', 'prom-client'],
  ['lib/http', 'mmdb-lib'],
  ['lib/api', '../store/sqlite'],
  ['lib/api', '../server/door'],
  ['lib/http', '../server/door'],
  ['lib/sse', '../server/node-sink'],
  ['lib/api', 'next/server'],
  ['lib/api', '@/app/login/page'],
  ['lib/client', '../services'],
  ['lib/client', 'zod'],
  ['lib/client', 'node:fs'],
  ['lib/client', 'barcode-detector/ponyfill'],
  ['lib/i18n', '../attempt/attempt'],
  ['app', 'iron-session'],
  ['app', 'libsql'],
  ['e2e', '../lib/core/attempt/attempt'],
  ['e2e', '@/lib/core/attempt/attempt'],
] as const

const ACCEPTED = [
  ['lib/api', '../http/body'],
  ['lib/server', '../api/routes'],
  ['lib/attempt', './attempt'],
  ['lib/sqlite', 'libsql'],
  ['lib/limits', '../sqlite/open'],
  ['lib/metrics', '../store/store'],
  ['lib/store', '../limits/limits'],
  ['lib/client', '../attempt/views'],
  ['app', '@/lib/server/create-server'],
] as const

const folder = mkdtempSync(join(tmpdir(), 'qr-login-layers-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Plants each import in a file of its own beside a copy of our style, and returns the rules that each file breaks. */
function lint(sources: Record<string, string>): Map<string, string[]> {
  copyFileSync('biome.json', join(folder, 'biome.json'))
  for (const [path, source] of Object.entries(sources)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), source)
  }
  const binary = join(process.cwd(), 'node_modules/@biomejs/biome/bin/biome')
  const args = [binary, 'lint', '--vcs-enabled=false', '--reporter=json', '--max-diagnostics=none']
  const { stdout } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' })
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: { category: string; location: { path: string } }[] }
  const broken = new Map<string, string[]>()
  for (const { category, location } of diagnostics) {
    broken.set(location.path, [...(broken.get(location.path) ?? []), category])
  }
  return broken
}

const plant = (module: string) => `import { planted } from '${module}'\n\nexport const use = planted\n`
const refused = REFUSED.map(([layer, module], index) => [`${layer}/refused-${index}.ts`, module] as const)
const accepted = ACCEPTED.map(([layer, module], index) => [`${layer}/accepted-${index}.ts`, module] as const)
const broken = lint({
  ...Object.fromEntries([...refused, ...accepted].map(([path, module]) => [path, plant(module)])),
  'lib/api/environment.ts': 'export const port = process.env.PORT\n',
  'lib/server/config.ts': 'export const port = process.env.PORT\n',
})

test.each(refused)('the style check refuses that %s imports %s', (path) => {
  expect(broken.get(path)).toContain('lint/style/noRestrictedImports')
})

test.each(accepted)('and accepts that %s imports %s', (path) => {
  expect(broken.get(path)).toBeUndefined()
})

test('only the settings read the environment', () => {
  expect(broken.get('lib/api/environment.ts')).toContain('lint/style/noProcessEnv')
  expect(broken.get('lib/server/config.ts')).toBeUndefined()
})
