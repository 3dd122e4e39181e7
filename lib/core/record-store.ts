import type { Awaitable } from './awaitable'

/**
 * A document with an end. Records hold what has no rules of its own in the store: short codes, the
 * requests and tokens of apps, signing keys.
 */
export interface StoredRecord {
  /** The kind, a space, and an id, such as `short-code WDJBMJHT`. */
  key: string
  /** JSON. */
  data: string
  /** When it is deleted (epoch ms). Until then it is found. */
  expiresAt: number
  /** Records of one group are listed and deleted together. Null: none. */
  group: string | null
}

/** `unauthenticated`: no sign-in comes before it, as with a device code. */
export type RecordCause = 'unauthenticated' | 'sign-in'

/** A record as it is found. */
export interface FoundRecord extends StoredRecord {
  /** When it was consumed (epoch ms). Null: it was not. */
  consumedAt: number | null
}

/** The port for records. Every adapter passes `test/contracts/store-records.ts`. */
export interface RecordStore {
  /**
   * Writes a record if there is none with its key. Of concurrent calls exactly one returns true.
   * `cause`: who may cause it.
   * @throws FullError if the store has `MAX_RECORDS` of unauthenticated clients. What follows from
   * a sign-in is neither counted nor refused.
   */
  insertRecord(record: StoredRecord, now: number, cause: RecordCause): Awaitable<boolean>
  /** Writes a record, in place of the one with its key. It is not consumed. */
  putRecord(record: StoredRecord, now: number): Awaitable<void>
  /**
   * Writes a record in place of one that has the data `before`. False, and nothing is written, if
   * it has other data or does not exist. Whether it was consumed stays.
   */
  replaceRecord(record: StoredRecord, before: string, now: number): Awaitable<boolean>
  findRecord(key: string, now: number): Awaitable<FoundRecord | null>
  /** The records of a group, in no order. */
  listRecords(group: string, now: number): Awaitable<FoundRecord[]>
  /**
   * Marks a record as consumed. Of concurrent calls exactly one returns true. False if it does not
   * exist, or was consumed before.
   */
  consumeRecord(key: string, now: number): Awaitable<boolean>
  /** Of concurrent calls exactly one returns true; false if it does not exist. */
  removeRecord(key: string): Awaitable<boolean>
  removeRecords(group: string): Awaitable<void>
}

/** The maximum number of records that unauthenticated clients have caused. */
export const MAX_RECORDS = 500_000
