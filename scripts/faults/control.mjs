// How slow the machine itself is. What keeps a process waiting for a core is not the service's
// fault.
import { readFileSync } from 'node:fs'

const EVERY_MS = 50
const NS_PER_MS = 1_000_000

/**
 * @typedef {object} Sample
 * @property {number} at
 * @property {number} waitedMs for a core, all processes together, since the beginning
 * @property {number} lateMs how late the campaign itself was to take it
 */

export class Control {
  /** @type {Sample[]} */
  #samples = []
  /** By the id of the process. @type {Map<number, number>} */
  #waited = new Map()
  #timer

  /**
   * @param {() => (number | undefined)[]} processes the ids of those that have a part in an answer
   */
  constructor(processes) {
    let due = performance.now()
    let waitedMs = 0
    this.#timer = setInterval(() => {
      const at = performance.now()
      for (const id of processes()) if (id !== undefined) waitedMs += this.#waitedSince(id)
      this.#samples.push({ at, waitedMs, lateMs: Math.max(0, at - due) })
      due = at + EVERY_MS
    }, EVERY_MS)
  }

  /**
   * For how long answers may have been kept back between two moments.
   * @param {number} from
   * @param {number} to
   */
  slownessMs(from, to) {
    const first = this.#indexAt(from)
    const last = Math.min(this.#indexAt(to) + 1, this.#samples.length - 1)
    const [before, after] = [this.#samples[first], this.#samples[last]]
    if (before === undefined || after === undefined) return 0
    const lateMs = this.#samples.slice(first, last + 1).reduce((sum, each) => sum + each.lateMs, 0)
    return after.waitedMs - before.waitedMs + lateMs
  }

  close() {
    clearInterval(this.#timer)
  }

  /** Of the last sample before that moment. @param {number} moment */
  #indexAt(moment) {
    let [low, high] = [0, this.#samples.length - 1]
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if ((this.#samples[middle]?.at ?? 0) <= moment) low = middle
      else high = middle - 1
    }
    return low
  }

  /**
   * proc(5): the second number of `schedstat`, in ns; 0 where the system does not tell.
   * @param {number} id
   */
  #waitedSince(id) {
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
