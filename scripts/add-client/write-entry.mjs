import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, resolve } from 'node:path'
import { checkClients } from '../../lib/apps/clients-text.mjs'

/** @typedef {import('./texts.mjs').Texts} Texts */

/**
 * `url`: without a slash at the end.
 * @typedef {{ name: string, url: string, redirectUris: string[], isFirstParty: boolean }} NewApp
 */

/** @typedef {ReturnType<typeof createClient>} NewClient */

/** Nothing was changed. The message is for the person. */
export class RefusedError extends Error {}

/**
 * Adds a client to the file, or makes the file. The text before the new entry stays byte for byte,
 * and so do owner and mode. On any error the file is as it was.
 * @param {string} path
 * @param {NewApp} app
 * @param {Texts} texts
 * @returns {{ file: string, client: NewClient }}
 * @throws {RefusedError} for a file with mistakes, an app that the file may not have, and errors of
 * the file system.
 */
export function addEntry(path, app, texts) {
  const exists = existsSync(path)
  // A link stays a link.
  const file = exists ? realpathSync(path) : resolve(path)
  const draft = `${file}.new`
  try {
    // Also keeps a second process out, which would lose one of the two entries.
    const descriptor = openSync(draft, 'wx', 0o600)
    let isRenamed = false
    try {
      const text = exists ? readFileSync(file, 'utf8') : '[]\n'
      const { clients } = check(text, texts.fileMistakes(file), texts)
      const client = createClient(app, new Set(clients.map((each) => each.client_id)))
      const next = insertEntry(text, client)
      check(next, texts.entryMistakes, texts)
      writeFileSync(descriptor, next)
      fsyncSync(descriptor)
      keepOwner(draft, exists ? statSync(file) : statSync(dirname(file)), exists)
      renameSync(draft, file)
      isRenamed = true
      syncFolder(dirname(file))
      return { file, client }
    } finally {
      closeSync(descriptor)
      if (!isRenamed) rmSync(draft)
    }
  } catch (error) {
    if (error instanceof RefusedError) throw error
    const { code, message } = /** @type {NodeJS.ErrnoException} */ (error)
    throw new RefusedError(code === 'EEXIST' ? texts.draftExists(draft) : texts.notWritten(file, message))
  }
}

/**
 * @param {string} text
 * @param {string} headline
 * @param {Texts} texts
 */
function check(text, headline, texts) {
  const checked = checkClients(text)
  if (checked.mistakes.length === 0) return checked
  const width = Math.max(...checked.mistakes.map(({ name }) => name.length))
  const rows = checked.mistakes.map(({ name, problem }) => `  ${name.padEnd(width)}  ${problem}`)
  throw new RefusedError([headline, ...rows, texts.nothingChanged].join('\n'))
}

/**
 * @param {NewApp} app
 * @param {ReadonlySet<string>} ids
 */
function createClient({ name, url, redirectUris, isFirstParty }, ids) {
  return {
    client_id: createId(name, url, ids),
    client_secret: randomBytes(32).toString('base64url'),
    client_name: name,
    client_uri: `${url}/`,
    redirect_uris: redirectUris,
    post_logout_redirect_uris: [`${url}/`],
    ...(isFirstParty ? { first_party: true } : {}),
  }
}

/**
 * Of the letters and digits of the name; of the host where the name has none of ASCII.
 * @param {string} name
 * @param {string} url
 * @param {ReadonlySet<string>} ids
 */
function createId(name, url, ids) {
  const id = toSlug(name) || toSlug(new URL(url).hostname) || 'app'
  for (let number = 1; ; number += 1) {
    const candidate = number === 1 ? id : `${id}-${number}`
    if (!ids.has(candidate)) return candidate
  }
}

/** @param {string} text */
function toSlug(text) {
  const plain = text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()
  return plain.replace(/[^a-z\d]+/g, '-').replace(/^-|-$/g, '')
}

/**
 * The text of a JSON list with one more entry at its end.
 * @param {string} text
 * @param {object} entry
 */
function insertEntry(text, entry) {
  const end = text.lastIndexOf(']')
  const before = text.slice(0, end).trimEnd()
  const newLine = text.includes('\r\n') ? '\r\n' : '\n'
  const lines = JSON.stringify(entry, null, 2).split('\n')
  const added = lines.map((line) => `  ${line}`).join(newLine)
  return `${before}${before.endsWith('[') ? '' : ','}${newLine}${added}${newLine}${text.slice(end)}`
}

/**
 * An existing file keeps owner and mode. A new one that the superuser makes belongs to the owner of
 * its folder, so that the server can read it.
 * @param {string} draft
 * @param {import('node:fs').Stats} from
 * @param {boolean} exists
 */
function keepOwner(draft, from, exists) {
  const own = statSync(draft)
  const isOther = own.uid !== from.uid || own.gid !== from.gid
  if (isOther && (exists || process.getuid?.() === 0)) chownSync(draft, from.uid, from.gid)
  if (exists) chmodSync(draft, from.mode & 0o777)
}

/** Makes the rename durable. @param {string} folder */
function syncFolder(folder) {
  const descriptor = openSync(folder, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
