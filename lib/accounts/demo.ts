import { createHash, timingSafeEqual } from 'node:crypto'
import type { Person } from '../core/account/person'

/** People for `DEMO_ACCOUNTS`, by username. In production phones sign in with bearer tokens. */
const DEMO_PEOPLE: Record<string, Person> = {
  ada: { id: 'ada', name: 'Ada Byron', avatarUrl: '/avatars/ada.svg' },
  lin: { id: 'lin', name: 'Lin Xia', avatarUrl: '/avatars/lin.svg' },
  sam: { id: 'sam', name: 'Sam Okoro', avatarUrl: '/avatars/sam.svg' },
  yuki: { id: 'yuki', name: 'Yuki Tanaka', avatarUrl: '/avatars/yuki.svg' },
}

const DEMO_PASSWORD = 'demo'

/** The demo accounts with their usernames, in the order in which they are shown. */
export function listDemoPeople(): (Person & { username: string })[] {
  return Object.entries(DEMO_PEOPLE).map(([username, person]) => ({ username, ...person }))
}

/** Null for an unknown username or a wrong password, in the same time. */
export function findPersonByPassword(username: string, password: string): Person | null {
  const person = Object.hasOwn(DEMO_PEOPLE, username) ? DEMO_PEOPLE[username] : undefined
  const right = timingSafeEqual(sha256(password), sha256(DEMO_PASSWORD))
  return right && person !== undefined ? person : null
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
