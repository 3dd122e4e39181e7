// What a scenario has at hand: processes, traffic, the history, and the end of them all.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LoadedServer } from '../load/server.mjs'
import { Chance } from './chance.mjs'
import { CLIENT_SETTINGS } from './client.mjs'
import { Control } from './control.mjs'
import { History } from './history.mjs'
import { Link } from './link.mjs'
import { freePort } from './ports.mjs'
import { Redis } from './redis.mjs'
import { Traffic } from './traffic.mjs'
import { Wire } from './wire.mjs'

/** @typedef {import('./history.mjs').Fault} Fault */

export const pause = (/** @type {number} */ ms) => new Promise((wake) => setTimeout(wake, ms))

/** The linker knows what `$LIB` is on this machine. */
const FAKETIME = '/usr/$LIB/faketime/libfaketime.so.1'

/** A scenario cannot be run here; the reason is its message. */
export class CannotRun extends Error {}

/** @param {string} program */
function requireProgram(program) {
  if (spawnSync(program, ['-v']).error !== undefined) throw new CannotRun(`there is no ${program} on this machine`)
}

export class Stage {
  history = new History()
  /** @type {Redis[]} */
  #redis = []
  control = new Control(() => [
    process.pid,
    ...this.apps.map((app) => app.process?.pid),
    ...this.#redis.map((redis) => redis.pid),
  ])
  /** Further figures, by name. @type {Record<string, string | number>} */
  figures = {}
  /** @type {LoadedServer[]} */
  apps = []
  /** @type {(() => unknown)[]} */
  #ends = []

  /** `scale`: how long it lasts, 1 for the long form. @param {number} seed @param {number} scale */
  constructor(seed, scale) {
    this.chance = new Chance(seed)
    this.scale = scale
    this.startedAt = performance.now()
    this.#ends.push(() => this.control.close())
  }

  /**
   * So many, or so long, of the long form; never fewer than `least`.
   * @param {number} whole
   * @param {number} least
   */
  share(whole, least) {
    return Math.max(least, Math.round(whole * this.scale))
  }

  /**
   * One process for each settings, all of them with the same origin.
   * @param {Record<string, string>[]} settings
   */
  async start(...settings) {
    const ports = await Promise.all(settings.map(() => freePort()))
    for (const [index, own] of settings.entries()) {
      const origin = `http://localhost:${ports[0]}`
      const common = { ...CLIENT_SETTINGS, RATE_LIMIT_SCALE: '1', LOG_LEVEL: 'fatal', PUBLIC_ORIGIN: origin }
      const app = new LoadedServer({ ...common, ...own })
      app.port = ports[index] ?? 0
      this.apps.push(app)
      this.#ends.push(() => app.process?.kill('SIGKILL'))
    }
    await Promise.all(this.apps.map((app) => app.start()))
  }

  /** @throws {CannotRun} */
  async redis() {
    requireProgram('redis-server')
    const redis = await Redis.start()
    this.#redis.push(redis)
    this.#ends.push(() => redis.kill())
    return redis
  }

  /** @param {number} port */
  async link(port) {
    const link = await Link.open(port, this.chance)
    this.#ends.push(() => link.close())
    return link
  }

  /** @param {{ perSecond?: number, codePeriodMs?: number }} [options] */
  traffic({ perSecond = 25, codePeriodMs = 30_000 } = {}) {
    const wire = new Wire(this.history, this.apps, this.chance)
    this.#ends.push(() => wire.close())
    return new Traffic(wire, this.chance, { perSecond, codePeriodMs })
  }

  /** Lets what is under way end, and asks what has become of it all. @param {Traffic} traffic */
  async settle(traffic) {
    await traffic.end()
    this.figures['not asked again'] = await traffic.audit()
  }

  /**
   * Does something to the service, and notes when; returns when it is over.
   * @param {string} name
   * @param {Omit<Fault, 'name' | 'from' | 'to'>} kind
   * @param {() => Promise<unknown>} act resolves when the service could work again
   */
  async fault(name, kind, act) {
    const fault = this.history.note({ name, ...kind, from: performance.now(), to: Number.POSITIVE_INFINITY })
    await act()
    fault.to = performance.now()
    return fault
  }

  /**
   * A folder on a disk of its own that can be full, in bytes.
   * @param {number} bytes
   * @throws {CannotRun}
   */
  smallDisk(bytes) {
    const folder = mkdtempSync(join(tmpdir(), 'qr-login-disk-'))
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder], { stdio: 'pipe' })
    } catch (error) {
      rmSync(folder, { recursive: true })
      throw new CannotRun(`no disk can be mounted here: ${String(error).split('\n').at(-1)}`)
    }
    this.#ends.push(() => {
      execFileSync('umount', ['--lazy', folder], { stdio: 'ignore' })
      rmSync(folder, { recursive: true, force: true })
    })
    return folder
  }

  /** Settings of an app whose wall clock can be changed, and how. @throws {CannotRun} */
  clock() {
    requireProgram('faketime')
    const file = join(mkdtempSync(join(tmpdir(), 'qr-login-clock-')), 'step')
    // Replaced as a whole: a file that is half written would be read as a time.
    const step = (/** @type {string} */ offset) => writeFileSync(file, `${offset}\n`)
    step('+0')
    this.#ends.push(() => rmSync(file, { force: true }))
    // The monotonic clock goes on as it was, as it does on a real machine.
    const settings = {
      LD_PRELOAD: FAKETIME,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      NO_FAKE_STAT: '1',
    }
    return { settings, step }
  }

  /** May be called in the handler of an exit, where nothing is waited for. */
  end() {
    for (const end of this.#ends.splice(0).reverse()) {
      try {
        void end()
      } catch (error) {
        process.stderr.write(`${String(error)}\n`)
      }
    }
  }
}
