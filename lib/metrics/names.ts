import type { AttemptStep } from '../core/audit'

/**
 * The closed lists of label values: the number of time series does not depend on the users. A limit
 * that is not in its list counts as `other`.
 */

/**
 * Outcomes of attempts. `expired` is counted only if a stream or long poll of this process reads
 * the attempt when it expires: other expiries are not detected.
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

/** The values of `limit` in log lines. A step that counts by several rules has all their names. */
export const LIMITED_RULES = [
  'start_by_browser,start_by_address',
  'scan,unknown_codes',
  'unknown_codes',
  'confirm',
  'phone_sign_in,failures_by_address,failures_by_name',
  'add_passkey',
  'phone_sign_in',
  'app_request',
  'app_request_by_session',
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

/** Kinds of store failures: see `storeFailureKind`. */
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
 * Metrics whose value is read at each scrape, from the component that calls `Recorder.observe`. A
 * component that this process does not use (a circuit breaker without Redis) has no sample. Names
 * get the prefix `qr_login_`.
 */
export const OBSERVED = {
  ready: '1 if the last readiness check succeeded: the store can be written and the process is not shutting down.',
  draining: '1 while the process is shutting down.',
  watched: 'Attempts and accounts that this process watches in the store.',
  streams_max: 'MAX_STREAMS: streams and long polls beyond it are refused.',
  breaker_open: '1 while the circuit breaker of the store is open.',
  clock_offset_seconds: "The machine's clock minus the clock that lifetimes are measured with: 0 unless it was set.",
  clock_steps_total: 'Steps of the clock that were detected.',
  data_dir_lock_held: '1 while this process holds the lock on DATA_DIR.',
  disk_free_bytes: 'Free space for this process on the file system of DATA_DIR.',
  disk_size_bytes: 'The size of the file system of DATA_DIR.',
  log_lines_dropped_total: 'Log lines dropped because their reader stalled.',
  connections: 'Open connections.',
  connections_max: 'The maximum number of connections. No sample if it is unknown.',
  connections_dropped_total: 'Connections dropped beyond the maximum.',
  fence_failures_total: 'Sign-ins, cancels and sign-outs that are written, but not confirmed as durable.',
} as const

export type ObservedName = keyof typeof OBSERVED
