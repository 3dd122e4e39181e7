import type { Awaitable } from '../awaitable'
import type { Passkey } from './passkey'
import type { PersonRecord } from './person'

/**
 * The port for passkeys. Nothing deletes them but `removePasskey`: they have no lifetime. Every
 * adapter passes `test/contracts/store-passkeys.ts`.
 */
export interface PasskeyStore {
  /**
   * Null if it was written, otherwise why not: the id exists, of this or another person, or the
   * person has `MAX_PASSKEYS`.
   */
  insertPasskey(passkey: Passkey): Awaitable<'exists' | 'full' | null>
  findPasskey(id: string): Awaitable<Passkey | null>
  /** The person's passkeys, newest first. */
  listPasskeys(personId: string): Awaitable<Passkey[]>
  /**
   * Records a use. False, and nothing is written, if the passkey does not exist, or if `counter` is
   * not higher than the stored one; both may be 0. Of concurrent calls with one counter above 0
   * exactly one returns true.
   */
  recordPasskeyUse(id: string, counter: number, now: number): Awaitable<boolean>
  /** False if the person has no such passkey. */
  renamePasskey(personId: string, id: string, name: string): Awaitable<boolean>
  /** False if the person has no such passkey. */
  removePasskey(personId: string, id: string): Awaitable<boolean>
  /** Replaces the person in all passkeys of this person: the account source describes them anew. */
  describePerson(person: PersonRecord): Awaitable<void>
}
