import { checkClient, toLabel } from './client-schema.mjs'
import { JsonTextError, parseJsonText } from './json-text.mjs'

/** What a mistake is reported as: where, and the problem. Neither has a value of the file. */
/** @typedef {{ name: string, problem: string }} ClientMistake */

/** @typedef {import('./client-schema.mjs').ClientEntry} ClientEntry */

const MAX_MISTAKES = 100

/**
 * Checks the text of a clients file: its clients, with defaults, or all of its mistakes (100 at
 * most).
 * @param {string} text
 * @returns {{ clients: ClientEntry[], mistakes: ClientMistake[] }} one of the two is empty
 */
export function checkClients(text) {
  const entries = readEntries(text.replace(/^\uFEFF/, ''))
  if (!Array.isArray(entries)) return { clients: [], mistakes: [entries] }
  /** @type {ClientEntry[]} */
  const clients = []
  /** @type {ClientMistake[]} */
  const mistakes = []
  /** @type {Map<string, number>} */
  const positions = new Map()
  for (const [index, entry] of entries.entries()) {
    const id = findId(entry)
    const label = `client ${index + 1}${id === null ? '' : ` (${toLabel(id)})`}`
    const checked = checkClient(entry)
    mistakes.push(...checked.mistakes.map(({ field, problem }) => ({ name: `${label} ${field}`.trim(), problem })))
    const first = id === null ? undefined : positions.get(id)
    if (first !== undefined) mistakes.push({ name: `${label} client_id`, problem: `client ${first} has the same` })
    if (id !== null && first === undefined) positions.set(id, index + 1)
    if (checked.client !== null) clients.push(checked.client)
  }
  if (mistakes.length === 0) return { clients, mistakes }
  const more = mistakes.length - MAX_MISTAKES
  const rest = more > 0 ? [{ name: '…', problem: `and ${more} more` }] : []
  return { clients: [], mistakes: [...mistakes.slice(0, MAX_MISTAKES), ...rest] }
}

/**
 * @param {string} text
 * @returns {unknown[] | ClientMistake}
 */
function readEntries(text) {
  try {
    const entries = parseJsonText(text)
    return Array.isArray(entries) ? entries : { name: 'file', problem: 'expected: a list of clients: [ … ]' }
  } catch (error) {
    if (error instanceof JsonTextError) return { name: 'file', problem: error.message }
    throw error
  }
}

/** @param {unknown} entry */
function findId(entry) {
  const id = typeof entry === 'object' && entry !== null ? Reflect.get(entry, 'client_id') : null
  return typeof id === 'string' && id !== '' ? id : null
}
