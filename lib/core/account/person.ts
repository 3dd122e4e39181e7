/**
 * The person that an account belongs to. Before the session exists, the computer receives `name`
 * and `avatarUrl` only.
 */
export interface Person {
  id: string
  name: string
  avatarUrl: string | null
  /** What the person signs in with at the account source; null when the source names none. */
  username: string | null
  email: string | null
  /** Whether the account source has verified that the address is the person's. */
  emailVerified: boolean
  groups: readonly string[]
}

/** What screens show of a person. */
export type ShownPerson = Pick<Person, 'name' | 'avatarUrl'>

/**
 * A person as a record stores it. Records of older versions lack all but the first three fields.
 */
export type PersonRecord = Pick<Person, 'id' | 'name' | 'avatarUrl'> & Partial<Person>

export function shownOf({ name, avatarUrl }: ShownPerson): ShownPerson {
  return { name, avatarUrl }
}

/** What tells the accounts of one person apart: email or username; null when neither is known. */
export function accountNameOf({ email = null, username = null }: Partial<Person>): string | null {
  return email ?? username
}

/** The person of a record, with all fields and no others. */
export function personOf(record: PersonRecord): Person {
  const { id, name, avatarUrl, username = null, email = null, emailVerified = false, groups = [] } = record
  return { id, name, avatarUrl, username, email, emailVerified, groups }
}

/** A way to sign a phone in. `name`: the provider's, for people to read. */
export type PhoneSource = { kind: 'oidc'; name: string } | { kind: 'password' | 'site' | 'passkey' | 'demo' }

/**
 * Finds people by name and password. Null for an unknown name and for a wrong password alike.
 * Throws when the account source does not answer.
 */
export type FindPersonByPassword = (username: string, password: string) => Promise<Person | null>
