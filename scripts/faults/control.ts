// Measures how slow the machine itself is: a process that waits for a core is not the fault of the
// service.
import { readFileSync } from 'node:fs'

const EVERY_MS = 50
const NS_PER_MS = 1_000_000

interface Sample {
  at: number
  /** For a core, all processes together, since the beginning. */
  waitedMs: number
  /** How late the campaign itself was to take the sample. */
  lateMs: number
}

export class Control {
  readonly #samples: Sample[] = []
  /** By the id of the process. */
  readonly #waited = new Map<number, number>()
  readonly #timer: NodeJS.Timeout

  /** `processes` returns the ids of the processes that take part in a response. */
  constructor(processes: () => (number | undefined)[]) {
    let due = performance.now()
    let waitedMs = 0
    this.#timer = setInterval(() => {
      const at = performance.now()
      for (const id of processes()) if (id !== undefined) waitedMs += this.#waitedSince(id)
      this.#samples.push({ at, waitedMs, lateMs: Math.max(0, at - due) })
      due = at + EVERY_MS
    }, EVERY_MS)
  }

  /** By how much responses may have been delayed between two moments. */
  slownessMs(from: number, to: number): number {
    const first = this.#indexAt(from)
    const last = Math.min(this.#indexAt(to) + 1, this.#samples.length - 1)
    const [before, after] = [this.#samples[first], this.#samples[last]]
    if (before === undefined || after === undefined) return 0
    const lateMs = this.#samples.slice(first, last + 1).reduce((sum, each) => sum + each.lateMs, 0)
    return after.waitedMs - before.waitedMs + lateMs
  }

  close(): void {
    clearInterval(this.#timer)
  }

  /** Of the last sample before that moment. */
  #indexAt(moment: number): number {
    let [low, high] = [0, this.#samples.length - 1]
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if ((this.#samples[middle]?.at ?? 0) <= moment) low = middle
      else high = middle - 1
    }
    return low
  }

  /** proc(5): the second number of `schedstat`, in ns; 0 on a system without it. */
  #waitedSince(id: number): number {
    try {
      const waited = Number(readFileSync(`/proc/${id}/schedstat`, 'utf8').split(' ')[1]) / NS_PER_MS
      const before = this.#waited.get(id) ?? waited
      this.#waited.set(id, waited)
      return waited - before
    } catch {
      return 0
    }
  }
}
