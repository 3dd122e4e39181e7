import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Sink, type Stream, Streams } from './streams'
import { createWebSink } from './web-sink'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const of = (key: string) => [{ key, factor: 1 }]

class Recorder implements Sink {
  text = ''
  isClosed = false
  isSlow = false

  write(frame: Uint8Array): boolean {
    if (this.isSlow) return false
    this.text += new TextDecoder().decode(frame)
    return true
  }

  close(): void {
    this.isClosed = true
  }
}

function open(streams: Streams, address = 'a'): { stream: Stream; sink: Recorder; ended: () => number } {
  const stream = streams.admit(of(address))
  if (typeof stream === 'string') throw new Error(stream)
  const sink = new Recorder()
  let ends = 0
  stream.attach(sink, () => {
    ends += 1
  })
  return { stream, sink, ended: () => ends }
}

const streamsOf = (perAddress = 30, inAll = 100) => new Streams({ perAddress, inAll }, () => 0.5)

describe('all streams of a process', () => {
  test('share one heartbeat every 15 s, and leave no timer behind', () => {
    const streams = streamsOf()
    const opened = [open(streams), open(streams), open(streams)]
    expect(vi.getTimerCount()).toBe(1)
    vi.advanceTimersByTime(30_000)
    for (const { sink } of opened) expect(sink.text).toBe(':\n\n:\n\n')
    for (const { stream } of opened) stream.close()
    expect(vi.getTimerCount()).toBe(0)
    expect(streams.size).toBe(0)
  })

  test('are at most so many per address, and one that ends makes room', () => {
    const streams = streamsOf(2)
    const first = open(streams)
    open(streams)
    expect(streams.admit(of('a'))).toBe('too_many_of_address')
    open(streams, 'b')
    first.stream.close()
    first.stream.close()
    open(streams)
    expect(streams.admit(of('a'))).toBe('too_many_of_address')
  })

  test('are counted by every prefix of an address, each with its own room', () => {
    const streams = streamsOf(2)
    const client = (network: number) => [
      { key: `${network}::/64`, factor: 1 },
      { key: 'site::/56', factor: 4 },
    ]
    for (const network of [1, 1, 2, 2, 3, 3, 4, 4]) expect(typeof streams.admit(client(network))).toBe('object')
    expect(streams.admit(client(5))).toBe('too_many_of_address')
    expect(typeof streams.admit(of('elsewhere'))).toBe('object')
  })

  test('are at most so many in all', () => {
    const streams = streamsOf(30, 2)
    open(streams, 'a')
    open(streams, 'b')
    expect(streams.admit(of('c'))).toBe('too_many')
  })

  test('end with a goodbye that spreads the return, and no new one is admitted', () => {
    const streams = streamsOf()
    const opened = [open(streams), open(streams)]
    streams.drain()
    for (const { sink, ended } of opened) {
      expect(sink.text).toBe('event: bye\ndata: {"retryMs":1000}\n\n')
      expect(sink.isClosed).toBe(true)
      expect(ended()).toBe(1)
    }
    expect(streams.admit(of('a'))).toBe('draining')
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('a stream', () => {
  test('whose reader is too slow is cut off', () => {
    const streams = streamsOf()
    const { stream, sink, ended } = open(streams)
    sink.isSlow = true
    stream.write(new Uint8Array(1))
    expect(sink.isClosed).toBe(true)
    expect(ended()).toBe(1)
    expect(streams.size).toBe(0)
  })

  test('ends once, however often and by whomever it is ended', () => {
    const { stream, ended } = open(streamsOf())
    stream.close()
    stream.close()
    expect(ended()).toBe(1)
  })

  test('that was ended before it had a reader ends its reader too', () => {
    const streams = streamsOf()
    const stream = streams.admit(of('a')) as Stream
    stream.close()
    const sink = new Recorder()
    stream.attach(sink, () => {})
    expect(sink.isClosed).toBe(true)
  })
})

describe('the web door', () => {
  test('hands on what is written, in order', async () => {
    const { sink, body } = createWebSink(() => {})
    expect(sink.write(new TextEncoder().encode('a'))).toBe(true)
    expect(sink.write(new TextEncoder().encode('b'))).toBe(true)
    sink.close()
    sink.close()
    expect(await new Response(body).text()).toBe('ab')
  })

  test('refuses to pile up for a reader that does not read, and breaks the connection', async () => {
    const { sink, body } = createWebSink(() => {})
    const frame = new Uint8Array(1024)
    let written = 0
    while (sink.write(frame)) written += 1
    expect(written).toBe(16)
    await expect(new Response(body).text()).rejects.toThrow()
  })

  test('hands on a frame of any size to a reader that reads', async () => {
    const { sink, body } = createWebSink(() => {})
    expect(sink.write(new Uint8Array(100_000))).toBe(true)
    sink.close()
    expect((await new Response(body).arrayBuffer()).byteLength).toBe(100_000)
  })

  test('tells when the reader leaves, and writes nothing after', async () => {
    const left = vi.fn()
    const { sink, body } = createWebSink(left)
    await body.cancel()
    expect(left).toHaveBeenCalledOnce()
    expect(sink.write(new Uint8Array(1))).toBe(false)
    sink.close()
  })
})
