import { afterEach, expect, test } from 'vitest'
import { SteadyClock } from './clock'

const T0 = 1_800_000_000_000
const DAY_MS = 24 * 3_600_000

/** A simulated machine whose clock can be set, and that can sleep. */
class Machine {
  wallMs = T0
  monotonicMs = 5_000
  uptimeS = 100
  readonly steps: number[] = []
  readonly clock = new SteadyClock({
    wall: () => this.wallMs,
    monotonicMs: () => this.monotonicMs,
    uptimeS: () => this.uptimeS,
    onStep: (offsetMs) => this.steps.push(offsetMs),
  })

  run(ms: number): void {
    this.wallMs += ms
    this.monotonicMs += ms
    this.uptimeS += ms / 1_000
    this.clock.look()
  }

  sleep(ms: number): void {
    this.wallMs += ms
    this.uptimeS += ms / 1_000
    this.clock.look()
  }

  setClock(byMs: number): void {
    this.wallMs += byMs
    this.clock.look()
  }
}

let machine: Machine
afterEach(() => machine.clock.stop())

test('the clock advances like that of the machine', () => {
  machine = new Machine()
  machine.run(60_000)
  expect(machine.clock.now()).toBe(T0 + 60_000)
  expect(machine.steps).toEqual([])
})

test.each([DAY_MS, -DAY_MS, 5_000, -5_000])(
  'the clock is continuous when the machine’s clock is set by %i ms',
  (byMs) => {
    machine = new Machine()
    machine.setClock(byMs)
    machine.run(1_000)
    expect(machine.clock.now()).toBe(T0 + 1_000)
    expect([machine.clock.offsetMs, machine.steps]).toEqual([byMs, [byMs]])
    machine.setClock(-byMs)
    expect([machine.clock.offsetMs, machine.steps]).toEqual([0, [byMs, 0]])
    expect(machine.clock.now()).toBe(T0 + 1_000)
  },
)

test('the clock follows steps below one second, and never goes back', () => {
  machine = new Machine()
  machine.setClock(400)
  expect(machine.clock.now()).toBe(T0 + 400)
  machine.setClock(-800)
  expect(machine.clock.now()).toBe(T0 + 400)
  machine.run(1_000)
  expect(machine.clock.now()).toBe(T0 + 600)
  expect(machine.steps).toEqual([])
})

test('the clock includes the time that the machine slept', () => {
  machine = new Machine()
  machine.sleep(DAY_MS)
  expect(machine.clock.now()).toBe(T0 + DAY_MS)
  expect(machine.steps).toEqual([])
})
