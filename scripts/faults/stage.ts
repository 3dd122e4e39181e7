// What a scenario uses: processes, traffic, faults and the history. It ends all of them.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Chance } from '../../test/support/chance'
import { freePort } from '../../test/support/free-port'
import { hasRedisServer, RedisServer } from '../../test/support/redis-server'
import { mountTmpfs } from '../../test/support/tmpfs'
import { Wire } from '../../test/support/wire'
import { LoadedServer } from '../load/server'
import { CLIENT_SETTINGS } from './client'
import { Control } from './control'
import { type Fault, History } from './history'
import { HttpRecorder } from './http-recorder'
import { Traffic, type TrafficOptions } from './traffic'

/** The dynamic linker replaces `$LIB`. */
const FAKETIME = '/usr/$LIB/faketime/libfaketime.so.1'

/** A scenario cannot be run here; the reason is its message. */
export class CannotRun extends Error {}

/** An app whose wall clock can be changed. */
interface ChangeableClock {
  settings: Record<string, string>
  /** Sets the offset, in the format of libfaketime. */
  step: (offset: string) => void
}

export class Stage {
  readonly history = new History()
  readonly chance: Chance
  /** How long it lasts: 1 is the long form, 0 the shortest. */
  readonly #scale: number
  readonly startedAt = performance.now()
  readonly apps: LoadedServer[] = []
  readonly #redis: RedisServer[] = []
  readonly control = new Control(() => [
    process.pid,
    ...this.apps.map((app) => app.process?.pid),
    ...this.#redis.map((redis) => redis.pid),
  ])
  /** Further figures, by name. */
  readonly figures: Record<string, string | number> = {}
  readonly #ends: (() => unknown)[] = [() => this.control.close()]

  constructor(seed: number, scale: number) {
    this.chance = new Chance(seed)
    this.#scale = scale
  }

  /** Whether parts of the scenario are left out. */
  get isShort(): boolean {
    return this.#scale < 0.5
  }

  /** A number or a duration of the long form, scaled; at least `least`. */
  share(whole: number, least: number): number {
    return Math.max(least, Math.round(whole * this.#scale))
  }

  /** Starts one process for each of the settings, all with the same origin. */
  async start(...settings: Record<string, string>[]): Promise<void> {
    const ports = await Promise.all(settings.map(() => freePort()))
    for (const [index, own] of settings.entries()) {
      const origin = `http://localhost:${ports[0]}`
      const common = { ...CLIENT_SETTINGS, RATE_LIMIT_SCALE: '1', LOG_LEVEL: 'fatal', PUBLIC_ORIGIN: origin }
      const app = new LoadedServer({ ...common, ...own }, [], ports[index])
      this.apps.push(app)
      this.#ends.push(() => app.process?.kill('SIGKILL'))
    }
    await Promise.all(this.apps.map((app) => app.start()))
  }

  /** Throws `CannotRun` without a redis-server. */
  async redis(): Promise<RedisServer> {
    if (!hasRedisServer()) throw new CannotRun('there is no redis-server on this machine')
    const redis = await RedisServer.start()
    this.#redis.push(redis)
    this.#ends.push(() => redis.dispose())
    return redis
  }

  /** `target`: see `Wire.open`. */
  async wire(target: () => number): Promise<Wire> {
    const wire = await Wire.open(target, { chance: this.chance })
    this.#ends.push(() => wire.close())
    return wire
  }

  traffic({ perSecond = 25, codePeriodMs = 30_000 }: Partial<TrafficOptions> = {}): Traffic {
    const http = new HttpRecorder(this.history, this.apps, this.chance)
    this.#ends.push(() => http.close())
    return new Traffic(http, this.chance, { perSecond, codePeriodMs })
  }

  /** Lets the sign-ins in progress end, then reads the final state of all. */
  async settle(traffic: Traffic): Promise<void> {
    await traffic.end()
    this.figures['not read again'] = await traffic.audit()
  }

  /**
   * Does something to the service, and records when. `act` resolves when the service could work
   * again; so does the returned promise.
   */
  async fault(name: string, kind: Omit<Fault, 'name' | 'from' | 'to'>, act: () => Promise<unknown>): Promise<Fault> {
    const fault = this.history.addFault({ name, ...kind, from: performance.now(), to: Number.POSITIVE_INFINITY })
    await act()
    fault.to = performance.now()
    return fault
  }

  /** A folder on a disk of its own, which can become full. Throws `CannotRun` without one. */
  smallDisk(bytes: number): string {
    const { reason, mount, unmountAll } = mountTmpfs()
    if (reason !== null) throw new CannotRun(`no disk can be mounted here: ${reason}`)
    const folder = mkdtempSync(join(tmpdir(), 'qr-login-disk-'))
    this.#ends.push(() => {
      unmountAll()
      rmSync(folder, { recursive: true, force: true })
    })
    mount(folder, `size=${bytes}`)
    return folder
  }

  /** Throws `CannotRun` without faketime. */
  clock(): ChangeableClock {
    if (spawnSync('faketime', ['-v']).error !== undefined) throw new CannotRun('there is no faketime on this machine')
    const folder = mkdtempSync(join(tmpdir(), 'qr-login-clock-'))
    const file = join(folder, 'step')
    const step = (offset: string) => writeFileSync(file, `${offset}\n`)
    step('+0')
    this.#ends.push(() => rmSync(folder, { recursive: true, force: true }))
    // The monotonic clock is not changed, as on a real machine.
    const settings = {
      LD_PRELOAD: FAKETIME,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      NO_FAKE_STAT: '1',
    }
    return { settings, step }
  }

  /** May be called in an exit handler: what it starts and does not await is not required. */
  end(): void {
    for (const end of this.#ends.splice(0).reverse()) {
      try {
        void end()
      } catch (error) {
        process.stderr.write(`${String(error)}\n`)
      }
    }
  }
}
