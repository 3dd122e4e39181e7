import { createHash, timingSafeEqual } from 'node:crypto'
import type { FindPersonByPassword, Person } from '../core/account/person'

/**
 * The people of the demo, where `DEMO_ACCOUNTS` is on. Other people use the configured account
 * sources.
 */
const DEMO_PEOPLE: Record<string, DemoPerson> = {
  ada: demoPerson('ada', 'Ada Byron', ['admins']),
  lin: demoPerson('lin', 'Lin Xia'),
  sam: demoPerson('sam', 'Sam Okoro'),
  yuki: demoPerson('yuki', 'Yuki Tanaka'),
}

type DemoPerson = Person & { username: string }

/** The email address has a reserved name (RFC 2606), so that no message ever leaves. */
function demoPerson(id: string, name: string, groups: string[] = []): DemoPerson {
  const email = `${id}@example.com`
  return { id, name, avatarUrl: `/avatars/${id}.svg`, username: id, email, emailVerified: true, groups }
}

const DEMO_PASSWORD = 'demo'

/** The demo accounts in the order they are shown, with the username that signs in. */
export function listDemoPeople(): DemoPerson[] {
  return Object.values(DEMO_PEOPLE)
}

export function isDemoName(username: string): boolean {
  return Object.hasOwn(DEMO_PEOPLE, username)
}

/** Null for an unknown name and for a wrong password alike, at the same cost. */
export const findPersonByPassword: FindPersonByPassword = async (username, password) => {
  const person = isDemoName(username) ? DEMO_PEOPLE[username] : undefined
  const right = timingSafeEqual(sha256(password), sha256(DEMO_PASSWORD))
  return right && person !== undefined ? person : null
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
