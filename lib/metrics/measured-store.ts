import type { Store } from '../core/store'

export type StoreOperation = Exclude<keyof Store, 'watching' | 'close' | 'writeEvents'>

/** Every operation of the port. A missing or an unknown one does not compile. */
const OPERATIONS: Record<StoreOperation, true> = {
  take: true,
  giveBack: true,
  takeOnce: true,
  insertAttempt: true,
  findAttempt: true,
  compareAndSet: true,
  watchAttempt: true,
  insertSession: true,
  findSession: true,
  listSessions: true,
  touchSession: true,
  acknowledgeSession: true,
  revokeSession: true,
  revokeSessions: true,
  watchAccount: true,
  remember: true,
  remembers: true,
  forget: true,
  forgetOthers: true,
  insertPasskey: true,
  findPasskey: true,
  listPasskeys: true,
  recordPasskeyUse: true,
  renamePasskey: true,
  removePasskey: true,
  describePerson: true,
  insertRecord: true,
  putRecord: true,
  replaceRecord: true,
  findRecord: true,
  listRecords: true,
  consumeRecord: true,
  removeRecord: true,
  removeRecords: true,
  appendEvent: true,
  claimEvents: true,
  completeClaim: true,
  retryClaim: true,
  countEvents: true,
  sweep: true,
  confirmDurable: true,
  ping: true,
}

export const STORE_OPERATIONS = Object.keys(OPERATIONS) as StoreOperation[]

export interface StoreTiming {
  /** Monotonic, in ms. */
  now: () => number
  onDone: (operation: StoreOperation, ms: number) => void
  /** Called for every error, also for those that are no failure of the store, such as a refusal. */
  onError: (operation: StoreOperation, error: unknown) => void
}

type Operation = (...args: unknown[]) => unknown

/**
 * Returns the same store with timed operations. Results are passed on unchanged: a synchronous
 * result stays synchronous, and a promise is the same promise.
 */
export function timeStore(store: Store, { now, onDone, onError }: StoreTiming): Store {
  const time = (operation: StoreOperation): Operation => {
    const run = (store[operation] as Operation).bind(store)
    return (...args) => {
      const startedAt = now()
      const done = () => onDone(operation, now() - startedAt)
      const failed = (error: unknown) => {
        done()
        onError(operation, error)
      }
      let result: unknown
      try {
        result = run(...args)
      } catch (error) {
        failed(error)
        throw error
      }
      if (result instanceof Promise) result.then(done, failed)
      else done()
      return result
    }
  }
  const timed = Object.fromEntries(STORE_OPERATIONS.map((operation) => [operation, time(operation)]))
  const rest = {
    close: () => store.close(),
    writeEvents: (onWrite: () => void) => store.writeEvents(onWrite),
    get watching() {
      return store.watching
    },
  }
  return Object.assign(rest, timed) as unknown as Store
}
