import { fstatSync, writeSync } from 'node:fs'
import type { Writable } from 'node:stream'

/**
 * How many characters of lines wait for a reader that does not read. Lines beyond that are dropped.
 */
export const BACKLOG_CHARS = 1_048_576

/** After lines were dropped, none is accepted before the backlog has shrunk to this. */
const RESUME_CHARS = BACKLOG_CHARS / 2

const STDOUT = 1

/** Where log lines go. A reader that does not read delays neither the process nor its end. */
export interface LogOutput {
  write: (line: string) => void
  /**
   * How many lines were lost: because their reader was too slow or has gone, or the disk is full.
   */
  readonly droppedLines: number
  /** Resolves when all accepted lines have been handed to the system, or after `ms`. */
  flush: (ms: number) => Promise<void>
}

let stdout: LogOutput | null = null
let reportLost: (dropped: number) => void

/**
 * The output for stdout, whatever it leads to: one for all logs of the process. `onResume` of the
 * log that was created last is called with the number of lines that were lost when lines are
 * accepted again; what it logs comes first.
 */
export function openStdout(onResume: (dropped: number) => void): LogOutput {
  reportLost = onResume
  // The stream of the process, and not one of our own: libuv serves one handle per descriptor.
  stdout ??= fstatSync(STDOUT).isFile()
    ? new FileOutput(STDOUT, (dropped) => reportLost(dropped))
    : new StreamOutput(process.stdout, (dropped) => reportLost(dropped))
  return stdout
}

/**
 * Lines to a pipe, a socket or a terminal. On Linux and macOS, Node never blocks on the former two.
 */
export class StreamOutput implements LogOutput {
  readonly #stream: Writable
  readonly #onResume: (dropped: number) => void
  #unreported = 0
  #hasEnded = false
  droppedLines = 0

  constructor(stream: Writable, onResume: (dropped: number) => void) {
    this.#stream = stream
    this.#onResume = onResume
    // The reader has gone; the service goes on without its log.
    for (const event of ['error', 'close']) stream.on(event, () => this.#end())
    stream.on('drain', () => this.#resume())
  }

  write(line: string): void {
    this.#resume()
    const isFull = this.#stream.writableLength + line.length > BACKLOG_CHARS
    if (!this.#hasEnded && this.#unreported === 0 && !isFull) {
      this.#stream.write(line)
      return
    }
    this.#unreported += 1
    this.droppedLines += 1
  }

  async flush(ms: number): Promise<void> {
    if (this.#hasEnded || this.#stream.writableLength === 0) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#stream.write('', () => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  #end(): void {
    this.#hasEnded = true
  }

  #resume(): void {
    if (this.#unreported === 0 || this.#hasEnded) return
    if (this.#stream.writableLength > RESUME_CHARS) return
    const dropped = this.#unreported
    this.#unreported = 0
    this.#onResume(dropped)
  }
}

/**
 * Lines to a file, each written before `write` returns. A failed write (a full disk) loses that
 * line.
 */
export class FileOutput implements LogOutput {
  readonly #fd: number
  readonly #onResume: (dropped: number) => void
  #unreported = 0
  droppedLines = 0

  constructor(fd: number, onResume: (dropped: number) => void) {
    this.#fd = fd
    this.#onResume = onResume
  }

  write(line: string): void {
    try {
      writeSync(this.#fd, line)
    } catch {
      this.#unreported += 1
      this.droppedLines += 1
      return
    }
    const dropped = this.#unreported
    this.#unreported = 0
    if (dropped > 0) this.#onResume(dropped)
  }

  async flush(): Promise<void> {}
}
