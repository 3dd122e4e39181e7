/** Whose account it is. `id` never leaves for the computer before the session exists. */
export interface Person {
  id: string
  name: string
  avatarUrl: string | null
}

/**
 * Finds people by name and password. Null for an unknown name and for a wrong password alike, at
 * the same cost.
 */
export type FindPersonByPassword = (username: string, password: string) => Person | null
