import type { Server } from 'node:http'
import type { ProcessLog } from '../log'

/** A process that still has something open this long after its first signal is ended. */
const EXIT_DEADLINE_MS = 8_000

/**
 * How long SIGTERM leaves all but readiness as it was, so that a load balancer notices before
 * connections are refused.
 */
const UNREADY_FIRST_MS = 1_000

/** How long the end waits for the reader of the log. */
const FLUSH_MS = 300

/**
 * One Ctrl-C can arrive twice: from the terminal's process group and from npm. The third is a
 * second Ctrl-C.
 */
const INTERRUPTS_TO_ABORT = 3

const EXIT_CODES = { SIGTERM: 143, SIGINT: 130 }

type EndSignal = keyof typeof EXIT_CODES

interface ShutdownOptions {
  log: ProcessLog
  /** Readiness reports 503 from now on. */
  becomeUnready: () => void
  /** Sends `bye` to every stream, and answers every wait. */
  drain: () => void
  /** Our own server; null where the framework has one and closes it. */
  server: Server | null
  exit: (code: number) => void
}

/**
 * The end of the process: readiness goes down first, then every stream gets `bye`, then the process
 * exits when the requests under way have been answered. The first SIGTERM or SIGINT begins it and
 * decides the exit code; repeats change nothing; a third SIGINT exits at once.
 */
export class Shutdown {
  readonly #options: ShutdownOptions
  #interrupts = 0
  #hasBegun = false

  constructor(options: ShutdownOptions) {
    this.#options = options
  }

  /**
   * Responses close their connections now, so that no proxy sends another request into one that is
   * closed.
   */
  get hasBegun(): boolean {
    return this.#hasBegun
  }

  /**
   * Registers for the signals. The listeners stay: without one, a repeated signal would end the
   * process at once.
   */
  listen(signals: NodeJS.EventEmitter): void {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) signals.on(signal, () => this.#receive(signal))
  }

  #receive(signal: EndSignal): void {
    const { log, exit } = this.#options
    if (signal === 'SIGINT') this.#interrupts += 1
    if (this.#interrupts === INTERRUPTS_TO_ABORT) {
      log.warn({ signal }, 'exiting at once')
      exit(EXIT_CODES.SIGINT)
      return
    }
    log.info({ signal }, this.#hasBegun ? 'already shutting down' : 'shutting down')
    if (!this.#hasBegun) this.#begin(signal)
  }

  #begin(signal: EndSignal): void {
    const { becomeUnready, drain, server, exit } = this.#options
    this.#hasBegun = true
    setTimeout(exit, EXIT_DEADLINE_MS, EXIT_CODES[signal]).unref()
    becomeUnready()
    if (server === null) {
      // The framework has received the signal too: it accepts no more, and exits when its requests
      // have ended.
      drain()
      return
    }
    const finish = () => this.#closeServer(server, EXIT_CODES[signal])
    setTimeout(finish, signal === 'SIGTERM' ? UNREADY_FIRST_MS : 0)
  }

  #closeServer(server: Server, code: number): void {
    const { log, drain, exit } = this.#options
    drain()
    server.close(() => void log.output.flush(FLUSH_MS).then(() => exit(code)))
    setInterval(() => server.closeIdleConnections(), 50).unref()
  }
}
