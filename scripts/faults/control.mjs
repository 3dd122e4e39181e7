// How slow the machine itself is, and the campaign: a process that does nothing but a little work for each line that it gets. What
// keeps it waiting keeps every process waiting, and is not the service's fault.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

const EVERY_MS = 50

/** About as much work as a request is. */
const ECHO = `
const { pbkdf2Sync } = require('node:crypto')
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  pbkdf2Sync('work', 'salt', 2000, 32, 'sha256')
  process.stdout.write(line + '\\n')
})`

export class Control {
  /** @type {{ from: number, to: number }[]} */
  #trips = []
  #process = spawn(process.execPath, ['-e', ECHO], { stdio: ['pipe', 'pipe', 'ignore'] })
  #timer

  constructor() {
    createInterface({ input: this.#process.stdout }).on('line', (line) => {
      this.#trips.push({ from: Number(line), to: performance.now() })
    })
    let due = performance.now() + EVERY_MS
    this.#timer = setInterval(() => {
      const now = performance.now()
      // How late the campaign itself is.
      this.#trips.push({ from: due, to: now })
      due = now + EVERY_MS
      this.#process.stdin.write(`${now}\n`)
    }, EVERY_MS)
  }

  /** The longest that it took in this time, in ms. @param {number} from @param {number} to */
  slownessMs(from, to) {
    let worst = 0
    for (const trip of this.#trips) if (trip.from <= to && trip.to >= from) worst = Math.max(worst, trip.to - trip.from)
    return worst
  }

  close() {
    clearInterval(this.#timer)
    this.#process.kill('SIGKILL')
  }
}
