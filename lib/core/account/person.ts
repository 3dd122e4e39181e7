/** The owner of an account. `id` is not sent to the computer before its session exists. */
export interface Person {
  id: string
  name: string
  avatarUrl: string | null
}

/**
 * Finds a person by name and password. Returns null for an unknown name and for a wrong password,
 * in the same time.
 */
export type FindPersonByPassword = (username: string, password: string) => Person | null
