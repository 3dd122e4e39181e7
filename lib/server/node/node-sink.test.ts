import { createServer, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { NodeSink } from './node-sink'

let server: Server
let client: Socket
let heard: string
let response: ServerResponse
let sink: NodeSink
let gone: number

beforeEach(async () => {
  gone = 0
  heard = ''
  await new Promise<void>((resolve) => {
    server = createServer((request, given) => {
      response = given
      sink = new NodeSink(given, request.socket, () => {
        gone += 1
      })
      resolve()
    })
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      client = connect(port, '127.0.0.1', () => client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'))
      client.on('data', (chunk) => {
        heard += chunk
      })
    })
  })
})
afterEach(() => {
  client.destroy()
  server.closeAllConnections()
  server.close()
})

const frame = (text: string) => Buffer.from(text)

test('what is written before the head goes out with it, in order', async () => {
  expect([sink.write(frame('first,')), sink.write(frame('second'))]).toEqual([true, true])
  expect(response.headersSent).toBe(false)
  response.statusCode = 200
  sink.begin()
  await expect.poll(() => heard).toMatch(/^HTTP\/1.1 200 [\s\S]*first,[\s\S]*second/)
  sink.write(frame('third'))
  await expect.poll(() => heard).toContain('third')
})

test('one that was closed before its head says what it had to say, and ends', async () => {
  sink.write(frame('last'))
  sink.close()
  sink.begin()
  await expect.poll(() => heard).toMatch(/last\r\n0\r\n\r\n$/)
})

test('a reader that has left takes nothing more, and is told of once', async () => {
  sink.begin()
  client.destroy()
  await expect.poll(() => gone).toBe(1)
  expect(sink.write(frame('x'))).toBe(false)
  sink.close()
  expect(gone).toBe(1)
})

test('a reader that had left before is told of at once', async () => {
  client.destroy()
  await expect.poll(() => response.destroyed).toBe(true)
  let told = 0
  const late = new NodeSink(response, new Socket(), () => {
    told += 1
  })
  expect([told, late.write(frame('x'))]).toEqual([1, false])
})

test('a reader that does not read is cut off before much is kept for it', async () => {
  sink.begin()
  client.pause()
  let written = 0
  // The system's own buffers take some megabytes first.
  while (sink.write(Buffer.alloc(64 * 1024, ':')) && written < 5_000) {
    written += 1
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(written).toBeLessThan(1_000)
  expect(response.destroyed).toBe(true)
  await expect.poll(() => gone).toBe(1)
})
