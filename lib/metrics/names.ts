import type { AttemptStep } from '../core/audit'

/**
 * The closed lists that labels take their values from: the number of time series does not depend on
 * who signs in. A value that is not in its list counts as `other`.
 */

/**
 * What attempts come to. `expired` is counted where a stream or long poll of this process reads the
 * attempt as its time runs out; an attempt that no client reads expires unseen.
 */
export const ATTEMPT_OUTCOMES = [
  'started',
  'scanned',
  'match_passed',
  'match_wrong',
  'confirmed',
  'ticket_wrong',
  'redeemed',
  'cancelled_by_phone',
  'cancelled_by_computer',
  'cancelled_by_match',
  'expired',
] as const satisfies readonly (Exclude<AttemptStep, 'cancelled'> | `cancelled_by_${string}` | 'expired')[]

export type AttemptOutcome = (typeof ATTEMPT_OUTCOMES)[number]

/** `limit` of the log lines: where one step counts by several rules, all of them. */
export const LIMITED_RULES = [
  'start_by_browser,start_by_address',
  'scan,unknown_codes',
  'unknown_codes',
  'confirm',
  'phone_sign_in,failures_by_address,failures_by_name',
  'phone_sign_in,failures_by_address',
  'bad_credentials',
  'redeem',
  'refusals',
  'refusals full',
  'pages',
  'pages full',
  'streams too_many_of_address',
  'streams too_many',
  'streams draining',
  'admission',
  'deadline',
  'other',
] as const

/** What kept the store from its part: see `storeFailureKind`. */
export const STORE_FAILURE_KINDS = [
  'no_room',
  'busy',
  'full',
  'read_only',
  'corrupt',
  'io',
  'replaced',
  'connection',
  'late',
  'breaker',
  'no_replicas',
  'not_saved',
  'loading',
  'no_primary',
  'refused',
  'not_replicated',
  'other',
] as const

export type StoreFailureKind = (typeof STORE_FAILURE_KINDS)[number]

export const TRANSPORTS = ['sse', 'socket', 'long_poll'] as const

/**
 * What is read at each scrape from the part that knows it, by `Recorder.observe`. A part that this
 * process does not have (a breaker without a Redis) is not observed, and has no sample. Names get
 * the prefix `qr_login_`.
 */
export const OBSERVED = {
  ready: 'Whether the store can be written and the process is not ending, as the readiness check says: 1 or 0.',
  draining: '1 once the process has been told to end.',
  watched: 'Attempts and accounts that this process watches in the store.',
  streams_max: 'MAX_STREAMS: streams and long polls beyond it are refused.',
  breaker_open: '1 while the circuit breaker before the store is open.',
  clock_offset_seconds: "The machine's clock minus the clock that lifetimes go by: 0 unless it was set.",
  clock_steps_total: 'Steps of the clock that were noticed.',
  data_dir_lock_held: '1 while this process holds the lock on DATA_DIR.',
  disk_free_bytes: 'What is left for this process on the file system of DATA_DIR.',
  disk_size_bytes: 'The size of the file system of DATA_DIR.',
  log_lines_dropped_total: 'Log lines dropped because their reader has stalled.',
  connections: 'Open connections.',
  connections_max: 'Connections that there is room for. No sample where that is not known.',
  connections_dropped_total: 'Connections dropped because there was no room for them.',
  fence_failures_total: 'Sign-ins and endings that are written, but not known to be durable.',
} as const

export type ObservedName = keyof typeof OBSERVED
