import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Connection, ConnectionRegistry, type EventSink } from './connections'
import { ServerEvent } from './event'
import { createWebSink } from './web-sink'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const of = (key: string) => [{ key, factor: 1 }]

class Recorder implements EventSink {
  readonly sent: [event: string, data: unknown][] = []
  heartbeats = 0
  isClosed = false
  isSlow = false

  send({ event, data }: ServerEvent): boolean {
    if (this.isSlow) return false
    this.sent.push([event, data])
    return true
  }

  heartbeat(): boolean {
    this.heartbeats += 1
    return !this.isSlow
  }

  close(): void {
    this.isClosed = true
  }
}

function open(
  registry: ConnectionRegistry,
  address = 'a',
): { connection: Connection; sink: Recorder; ended: () => number } {
  const connection = registry.admit(of(address))
  if (typeof connection === 'string') throw new Error(connection)
  const sink = new Recorder()
  let ends = 0
  connection.attach(sink, () => {
    ends += 1
  })
  return { connection, sink, ended: () => ends }
}

const createRegistry = (perAddress = 30, inAll = 100) => new ConnectionRegistry({ perAddress, inAll }, () => 0.5)

describe('all connections of a process', () => {
  test('share one heartbeat every 15 s, and leave no timer', () => {
    const registry = createRegistry()
    const opened = [open(registry), open(registry), open(registry)]
    expect(vi.getTimerCount()).toBe(1)
    vi.advanceTimersByTime(30_000)
    for (const { sink } of opened) expect([sink.heartbeats, sink.sent]).toEqual([2, []])
    for (const { connection } of opened) connection.close()
    expect(vi.getTimerCount()).toBe(0)
    expect(registry.size).toBe(0)
  })

  test('are limited per address; a closed one frees its place', () => {
    const registry = createRegistry(2)
    const first = open(registry)
    open(registry)
    expect(registry.admit(of('a'))).toBe('too_many_of_address')
    open(registry, 'b')
    first.connection.close()
    first.connection.close()
    open(registry)
    expect(registry.admit(of('a'))).toBe('too_many_of_address')
  })

  test('are counted by every prefix of an address, each with its own limit', () => {
    const registry = createRegistry(2)
    const client = (network: number) => [
      { key: `${network}::/64`, factor: 1 },
      { key: 'site::/56', factor: 4 },
    ]
    for (const network of [1, 1, 2, 2, 3, 3, 4, 4]) expect(typeof registry.admit(client(network))).toBe('object')
    expect(registry.admit(client(5))).toBe('too_many_of_address')
    expect(typeof registry.admit(of('elsewhere'))).toBe('object')
  })

  test('are limited in total', () => {
    const registry = createRegistry(30, 2)
    open(registry, 'a')
    open(registry, 'b')
    expect(registry.admit(of('c'))).toBe('too_many')
  })

  test('a drain sends each a `bye` with its own delay, and refuses new ones', () => {
    const registry = createRegistry()
    const opened = [open(registry), open(registry)]
    registry.drain()
    for (const { sink, ended } of opened) {
      expect(sink.sent).toEqual([['bye', { retryMs: 1000 }]])
      expect(sink.isClosed).toBe(true)
      expect(ended()).toBe(1)
    }
    expect(registry.admit(of('a'))).toBe('draining')
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('a connection', () => {
  test('is closed if its client does not read an event', () => {
    const registry = createRegistry()
    const { connection, sink, ended } = open(registry)
    sink.isSlow = true
    connection.send(new ServerEvent({ event: 'code', data: 1 }))
    expect(sink.isClosed).toBe(true)
    expect(ended()).toBe(1)
    expect(registry.size).toBe(0)
  })

  test('is closed if its client does not read a heartbeat', () => {
    const registry = createRegistry()
    const { sink, ended } = open(registry)
    sink.isSlow = true
    vi.advanceTimersByTime(15_000)
    expect([sink.isClosed, ended(), registry.size]).toEqual([true, 1, 0])
  })

  test('calls onClose once, however often it is closed', () => {
    const { connection, ended } = open(createRegistry())
    connection.close()
    connection.close()
    expect(ended()).toBe(1)
  })

  test('closes a sink that is attached after it was closed', () => {
    const registry = createRegistry()
    const connection = registry.admit(of('a')) as Connection
    connection.close()
    const sink = new Recorder()
    connection.attach(sink, () => {})
    expect(sink.isClosed).toBe(true)
  })
})

describe('the web sink', () => {
  test('passes on bytes in order', async () => {
    const { sink, body } = createWebSink(() => {})
    expect(sink.write(new TextEncoder().encode('a'))).toBe(true)
    expect(sink.write(new TextEncoder().encode('b'))).toBe(true)
    sink.close()
    sink.close()
    expect(await new Response(body).text()).toBe('ab')
  })

  test('buffers at most 16 KB for a client that does not read, then fails the body', async () => {
    const { sink, body } = createWebSink(() => {})
    const frame = new Uint8Array(1024)
    let written = 0
    while (sink.write(frame)) written += 1
    expect(written).toBe(16)
    await expect(new Response(body).text()).rejects.toThrow()
  })

  test('passes on bytes of any length to a client that reads', async () => {
    const { sink, body } = createWebSink(() => {})
    expect(sink.write(new Uint8Array(100_000))).toBe(true)
    sink.close()
    expect((await new Response(body).arrayBuffer()).byteLength).toBe(100_000)
  })

  test('calls onDisconnect when the client disconnects, and writes nothing after that', async () => {
    const onDisconnect = vi.fn()
    const { sink, body } = createWebSink(onDisconnect)
    await body.cancel()
    expect(onDisconnect).toHaveBeenCalledOnce()
    expect(sink.write(new Uint8Array(1))).toBe(false)
    sink.close()
  })
})
