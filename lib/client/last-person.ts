import type { ShownPerson } from '../core/account/person'

/**
 * The person who was signed in on this phone last: name and picture, stored on this device only. It
 * is shown, and gives no access to anything.
 */

const KEY = 'qr-login.last-person'

const listeners = new Set<() => void>()
/** The stored text that was parsed last, so that the same text gives the same object. */
let parsed: { text: string; person: ShownPerson | null } = { text: '', person: null }

export function subscribeToLastPerson(listener: () => void): () => void {
  listeners.add(listener)
  // Other tabs of this browser.
  window.addEventListener('storage', listener)
  return () => {
    listeners.delete(listener)
    window.removeEventListener('storage', listener)
  }
}

/** Null when there is none, and where the browser keeps nothing. */
export function getLastPerson(): ShownPerson | null {
  const text = read() ?? ''
  if (text !== parsed.text) parsed = { text, person: parse(text) }
  return parsed.person
}

export function rememberPerson({ name, avatarUrl }: ShownPerson): void {
  write(JSON.stringify({ name, avatarUrl }))
}

export function forgetPerson(): void {
  write(null)
}

function read(): string | null {
  try {
    return localStorage.getItem(KEY)
  } catch {
    return null
  }
}

/** A browser may refuse to store anything; then the person is not offered. */
function write(text: string | null): void {
  try {
    if (text === null) localStorage.removeItem(KEY)
    else localStorage.setItem(KEY, text)
  } catch {}
  for (const listener of listeners) listener()
}

function parse(text: string): ShownPerson | null {
  try {
    const { name, avatarUrl } = JSON.parse(text) as Record<string, unknown>
    if (typeof name !== 'string' || name === '') return null
    return { name, avatarUrl: typeof avatarUrl === 'string' ? avatarUrl : null }
  } catch {
    return null
  }
}
