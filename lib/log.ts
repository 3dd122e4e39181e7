import { type Logger, pino } from 'pino'

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

export type LogLevel = (typeof LOG_LEVELS)[number]

export type Log = Logger

/** One JSON line per event on stdout. No code, claim, ticket, cookie or token is ever given to it. */
export function createLog(level: LogLevel): Log {
  return pino({ level, base: null, formatters: { level: (label) => ({ level: label }) } })
}
