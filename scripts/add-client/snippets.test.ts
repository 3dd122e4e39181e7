import { chownSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { TARGETS } from './snippets.mjs'
import { pickTexts } from './texts.mjs'
import { addEntry } from './write-entry.mjs'

const FOLDER = 'docs/guides/apps'

test.each(['README.md', 'README.zh-CN.md'])('%s has the redirect URI and the files of every target', (page) => {
  const rows = readFileSync(`${FOLDER}/${page}`, 'utf8').split('\n')
  for (const [name, { callback, files }] of Object.entries(TARGETS)) {
    const row = rows.find((each) => each.startsWith('| `') && each.split('|')[1]?.includes(`\`${name}\``))
    if (callback !== null) expect(row).toContain(`}${callback}\``)
    for (const file of files) expect(row).toContain(`(snippets/${file})`)
  }
})

test.each(['authjs.mjs', 'better-auth.mjs', 'openid-client.mjs', 'apache.conf'])(
  '%s asks for the four scopes',
  (file) => {
    const text = readFileSync(`${FOLDER}/snippets/${file}`, 'utf8')
    expect(text.replace(/[',]/g, '')).toContain('openid profile email groups')
  },
)

test('the redirect URI that is registered is the one that the snippet sends', () => {
  const read = (file: string) => readFileSync(`${FOLDER}/snippets/${file}`, 'utf8')
  expect(read('openid-client.mjs')).toContain(`\`\${APP_URL}${TARGETS['openid-client'].callback}\``)
  expect(read('apache.conf')).toContain('\nOIDCRedirectURI {{REDIRECT_URI}}\n')
  // The libraries make the path of the id of the provider.
  for (const [target, id] of [
    ['authjs', "id: 'qr-login'"],
    ['better-auth', "providerId: 'qr-login'"],
  ] as const) {
    expect(read(`${target}.mjs`)).toContain(id)
    expect(TARGETS[target].callback).toMatch(/\/auth\/callback\/qr-login$/)
  }
})

const isSuperuser = process.getuid?.() === 0
const title = isSuperuser ? '' : ' (skipped: only the superuser can give files away)'

test.skipIf(!isSuperuser)(`the file that the superuser makes or changes stays readable for its owner${title}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'qr-login-owner-'))
  const file = join(folder, 'clients.json')
  const app = { name: 'Wiki', url: 'https://wiki.example.com', redirectUris: ['https://wiki.example.com/cb'] }
  const add = () => addEntry(file, { ...app, isFirstParty: false }, pickTexts({ NODE_ENV: 'test' }))
  chownSync(folder, 12_345, 12_346)
  add()
  expect(statSync(file)).toMatchObject({ uid: 12_345, gid: 12_346 })
  chownSync(file, 23_456, 23_457)
  add()
  expect(statSync(file)).toMatchObject({ uid: 23_456, gid: 23_457 })
  expect(statSync(file).mode & 0o777).toBe(0o600)
  rmSync(folder, { recursive: true })
})
