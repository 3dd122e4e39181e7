import { describe, expect, test } from 'vitest'
import type { ByteSink } from './byte-sink'
import { type Connection, ConnectionRegistry } from './connections'
import { ServerEvent } from './event'
import { EventStreamSink, encodeServerSentEvent } from './event-stream'

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const encode = (fields: ConstructorParameters<typeof ServerEvent>[0]) =>
  text(encodeServerSentEvent(new ServerEvent(fields)))

class Recorder implements ByteSink {
  readonly written: Uint8Array[] = []

  write(bytes: Uint8Array): boolean {
    this.written.push(bytes)
    return true
  }

  close(): void {}
}

describe('the encoding', () => {
  test('an event is one frame with its data on one line', () => {
    const frame = encode({ event: 'attempt', id: 3, data: { name: 'a\nb\r\nc' } })
    expect(frame).toBe('event: attempt\nid: 3\ndata: {"name":"a\\nb\\r\\nc"}\n\n')
  })

  test('an event without an id has no id line', () => {
    expect(encode({ event: 'code', data: 1 })).toBe('event: code\ndata: 1\n\n')
  })

  test('a name or an id cannot forge a second event', () => {
    for (const bad of ['a\nb', 'a\rb', 'a\0b']) {
      expect(() => encode({ event: bad, data: 1 })).toThrow(RangeError)
      expect(() => encode({ event: 'a', id: bad, data: 1 })).toThrow(RangeError)
    }
  })

  test('a heartbeat is a comment, not an event', () => {
    const bytes = new Recorder()
    new EventStreamSink(bytes).heartbeat()
    expect(bytes.written.map(text)).toEqual([':\n\n'])
  })
})

describe('an event', () => {
  /** An event that counts how often it is converted to JSON. */
  const counted = () => {
    const counts = { json: 0 }
    const toJSON = () => {
      counts.json += 1
      return 'data'
    }
    return { counts, event: new ServerEvent({ event: 'attempt', id: 1, data: { toJSON } }) }
  }

  test('is encoded once for a hundred connections, which share its bytes', () => {
    const registry = new ConnectionRegistry({ perAddress: 100, inAll: 100 }, Math.random)
    const { counts, event } = counted()
    const sinks = Array.from({ length: 100 }, () => {
      const connection = registry.admit([{ key: 'a', factor: 1 }]) as Connection
      const bytes = new Recorder()
      connection.attach(new EventStreamSink(bytes), () => {})
      connection.send(event)
      return bytes
    })
    registry.drain()
    expect(counts.json).toBe(1)
    expect(new Set(sinks.map(({ written }) => written[0])).size).toBe(1)
  })

  test('is encoded once per transport, and not before it is sent', () => {
    const { counts, event } = counted()
    expect(counts.json).toBe(0)
    const asJson = ({ data }: ServerEvent) => new TextEncoder().encode(JSON.stringify(data))
    for (let times = 0; times < 3; times += 1) {
      expect(text(event.encodedBy(encodeServerSentEvent))).toBe('event: attempt\nid: 1\ndata: "data"\n\n')
      expect(text(event.encodedBy(asJson))).toBe('"data"')
    }
    expect(counts.json).toBe(2)
  })
})
