// Adds an app to the clients file, and prints what to paste into it: `npm run add-client`. Asks
// three questions, or takes the answers as options:
//   npm run add-client -- --name Wiki --url https://wiki.example.com --for authjs
//     [--redirect-uri https://…] [--first-party] [--file clients.json] [--origin https://…]
// Exits with 0 if the app was added, 1 if nothing was changed. Plain JavaScript: installations for
// production have no tsx.
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { askForApp } from './add-client/questions.mjs'
import { isTarget, printSnippets, TARGETS } from './add-client/snippets.mjs'
import { pickTexts } from './add-client/texts.mjs'
import { addEntry, RefusedError } from './add-client/write-entry.mjs'

/** The files that the server reads settings from, the strongest first. */
const ENV_FILES = ['.env.production.local', '.env.local', '.env.production', '.env']

const DEFAULT_FILE = 'clients.json'

const OPTIONS = /** @type {const} */ ({
  name: { type: 'string' },
  url: { type: 'string' },
  for: { type: 'string' },
  'redirect-uri': { type: 'string', multiple: true },
  'first-party': { type: 'boolean' },
  file: { type: 'string' },
  origin: { type: 'string' },
})

const texts = pickTexts(process.env)

/** @param {string} line */
const print = (line) => void process.stdout.write(`${line}\n`)

/** The origin of qr-login. @param {string | undefined} given */
function readOrigin(given) {
  const origin = given || process.env.PUBLIC_ORIGIN
  if (origin === undefined || origin === '') throw new RefusedError(texts.noOrigin)
  if (!/^https?:\/\/[^/?#]+\/?$/.test(origin) || !URL.canParse(origin)) throw new RefusedError(texts.badOrigin)
  return new URL(origin).origin
}

function readOptions() {
  try {
    return parseArgs({ options: OPTIONS, strict: true }).values
  } catch (error) {
    throw new RefusedError(`${error instanceof Error ? error.message : error}\n${texts.usage}`)
  }
}

async function run() {
  // Does not replace what the environment has.
  for (const file of ENV_FILES) if (existsSync(file)) process.loadEnvFile(file)
  const options = readOptions()
  if (options.for !== undefined && !isTarget(options.for)) {
    throw new RefusedError(texts.badTarget(Object.keys(TARGETS).join(', ')))
  }
  const origin = readOrigin(options.origin)
  const app = await askForApp({ name: options.name, url: options.url, target: options.for }, texts)
  const { callback } = TARGETS[app.target]
  if (callback === null) {
    printForwardAuth(app, origin)
    return
  }
  const path = options.file || process.env.CLIENTS_FILE || DEFAULT_FILE
  const redirectUris = options['redirect-uri'] ?? [`${app.url}${callback}`]
  const { file, client } = addEntry(
    path,
    { ...app, redirectUris, isFirstParty: options['first-party'] === true },
    texts,
  )
  print(texts.added(client.client_id, file))
  print(process.env.CLIENTS_FILE ? texts.reload : texts.setFile(resolve(path)))
  print(`\n${texts.redirectUris}\n${redirectUris.map((uri) => `  ${uri}`).join('\n')}`)
  printSnippets(app, { origin, client, redirectUri: redirectUris[0] ?? '' }, texts, print)
}

/**
 * Forward auth has no client: the hosts are a setting.
 * @param {import('./add-client/questions.mjs').App} app
 * @param {string} origin
 */
function printForwardAuth(app, origin) {
  const { protocol, host } = new URL(app.url)
  if (protocol !== 'https:') throw new RefusedError(texts.needsHttps)
  const hosts = (process.env.FORWARD_AUTH_HOSTS ?? '').split(',').map((each) => each.trim())
  const all = new Set([...hosts.filter((each) => each !== ''), host])
  print(`${texts.setHosts}\n\nFORWARD_AUTH_HOSTS=${[...all].join(',')}`)
  printSnippets(app, { origin, client: null, redirectUri: '' }, texts, print)
}

try {
  await run()
} catch (error) {
  if (!(error instanceof RefusedError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
