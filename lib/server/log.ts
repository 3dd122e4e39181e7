import { type Logger, pino } from 'pino'
import { type LogOutput, openStdout } from './log-output'

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

export type LogLevel = (typeof LOG_LEVELS)[number]

export type Log = Logger

/** The log of this process. `output`: where its lines go, and how many were lost. */
export type ProcessLog = Log & { readonly output: LogOutput }

/**
 * One JSON line per event on stdout. No code, claim, ticket, cookie or token is ever given to it.
 */
export function createLog(level: LogLevel): ProcessLog {
  const output = openStdout((dropped) => log.warn({ dropped }, 'log lines were lost'))
  const options = { level, base: null, formatters: { level: (label: string) => ({ level: label }) } }
  const log: ProcessLog = Object.assign(pino(options, output), { output })
  return log
}
