import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import type { ApiContext } from '../lib/api/context'
import { handleRequest, type Resource } from '../lib/http/resource'
import { App, Browser, ORIGIN } from './support/app'

const page = readFileSync('docs/extending.md', 'utf8')
const spans = [...page.matchAll(/`([^`\n]+)`/g)].map(([, text = '']) => text)
const named = new Set(spans.filter((text) => /^(app|lib|test|docs|e2e|scripts)\/\S+$/.test(text)))

/** Whether the path is a placeholder for a file that the reader creates. */
const isNew = (path: string) => path.includes('<name>')

test('docs/extending.md has four sections and names more than 30 files', () => {
  expect(page.match(/^## .+$/gm)).toEqual(['## A transport', '## A store', '## A screen state', '## An account source'])
  expect(named.size).toBeGreaterThan(30)
})

test.each([...named].filter((path) => !isNew(path)))('%s exists', (path) => {
  expect(existsSync(path)).toBe(true)
})

test.each([...named].filter(isNew))('the folder of %s exists', (path) => {
  const folder = path.slice(0, path.indexOf('<name>'))
  expect(existsSync(folder)).toBe(true)
})

const uses = [...page.matchAll(/`(\w+)`\s(?:from|in)\s`([^`\n]+\.tsx?)`/g)].map(
  ([, name = '', path = '']) => [name, path] as const,
)

test.each(uses)('%s appears in %s', (name, path) => {
  expect(readFileSync(path, 'utf8')).toMatch(new RegExp(`\\b${name}\\b`))
})

interface Sketch {
  path: string
  source: string
}

/** The code blocks that are whole files: their first line is a comment with their path. */
function findSketches(): Sketch[] {
  const blocks = [...page.matchAll(/^```tsx?\n([\s\S]*?)^```$/gm)].map(([, source = '']) => source)
  return blocks.flatMap((source) => {
    const path = /^\/\/ (\S+\.tsx?)\n/.exec(source)?.[1]
    return path === undefined ? [] : [{ path, source }]
  })
}

/** Compiles the sketches as files of the project. Returns the compiler's output; '' if none. */
function compile(sketches: readonly Sketch[]): string {
  // Inside the project, so that packages are found; ignored by git and by the project's own check.
  mkdirSync('test-results', { recursive: true })
  const folder = mkdtempSync('test-results/extending-')
  try {
    for (const { path, source } of sketches) {
      mkdirSync(join(folder, dirname(path)), { recursive: true })
      writeFileSync(join(folder, path), source)
    }
    const config = {
      extends: resolve('tsconfig.json'),
      compilerOptions: { incremental: false, rootDirs: [resolve('.'), resolve(folder)] },
      include: [],
      files: sketches.map(({ path }) => path),
    }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const { status, stdout } = spawnSync('npx', ['tsc', '--project', folder], { encoding: 'utf8' })
    return status === 0 ? '' : stdout
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('every sketch of a whole file compiles at its path', { timeout: 120_000 }, () => {
  const sketches = findSketches()
  expect(sketches.map(({ path }) => path)).toEqual([
    'lib/client/transports/example.ts',
    'lib/realtime/example.ts',
    'lib/api/example.ts',
    'lib/accounts/example.ts',
  ])
  for (const { path } of sketches) expect(existsSync(path)).toBe(false)
  expect(compile(sketches)).toBe('')
})

test('a sketch with a mistake does not compile', { timeout: 120_000 }, () => {
  const source = "import { ENDED } from './transport'\nexport const wrong: string = ENDED\n"
  expect(compile([{ path: 'lib/client/transports/example.ts', source }])).toContain('TS2322')
})

test('the route of the example transport delivers the state at once', { timeout: 60_000 }, async () => {
  mkdirSync('test-results', { recursive: true })
  const folder = mkdtempSync('test-results/extending-')
  const app = new App()
  try {
    for (const { path, source } of findSketches()) {
      mkdirSync(join(folder, dirname(path)), { recursive: true })
      // Imports of files that exist lead to the project, the others to the sketches.
      const absolute = source.replace(/from '(\.[^']*)'/g, (whole, to: string) => {
        const target = resolve(dirname(path), to)
        return existsSync(`${target}.ts`) ? `from '${target}'` : whole
      })
      writeFileSync(join(folder, path), absolute)
    }
    const { example } = (await import(resolve(folder, 'lib/api/example.ts'))) as { example: Resource<ApiContext> }
    const computer = new Browser(app)
    const { id } = await computer.start()
    const cookie = [...computer.cookies].map((pair) => pair.join('=')).join('; ')
    const request = new Request(`${ORIGIN}/api/qr/${id}/example`, { headers: { cookie } })
    const response = await handleRequest(example, request, { id }, app.context)
    const reader = response.body?.getReader()
    const { value } = (await reader?.read()) ?? {}
    expect(JSON.parse(new TextDecoder().decode(value))).toMatchObject({ event: 'attempt', data: { id } })
    await reader?.cancel()
    expect(app.context.connections.size).toBe(0)
  } finally {
    app.dispose()
    rmSync(folder, { recursive: true })
  }
})
