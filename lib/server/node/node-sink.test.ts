import { createServer, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { NodeSink } from './node-sink'

let server: Server
let client: Socket
let received: string
let response: ServerResponse
let sink: NodeSink
let gone: number

beforeEach(async () => {
  gone = 0
  received = ''
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
        received += chunk
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

test('chunks written before the header section are sent with it, in order', async () => {
  expect([sink.write(frame('first,')), sink.write(frame('second'))]).toEqual([true, true])
  expect(response.headersSent).toBe(false)
  response.statusCode = 200
  sink.begin()
  await expect.poll(() => received).toMatch(/^HTTP\/1.1 200 [\s\S]*first,[\s\S]*second/)
  sink.write(frame('third'))
  await expect.poll(() => received).toContain('third')
})

test('a sink that is closed before `begin` sends its chunks and ends', async () => {
  sink.write(frame('last'))
  sink.close()
  sink.begin()
  await expect.poll(() => received).toMatch(/last\r\n0\r\n\r\n$/)
})

test('after the client disconnected, writes return false and `onGone` is called once', async () => {
  sink.begin()
  client.destroy()
  await expect.poll(() => gone).toBe(1)
  expect(sink.write(frame('x'))).toBe(false)
  sink.close()
  expect(gone).toBe(1)
})

test('a client that disconnected earlier: `onGone` is called immediately', async () => {
  client.destroy()
  await expect.poll(() => response.destroyed).toBe(true)
  let calls = 0
  const late = new NodeSink(response, new Socket(), () => {
    calls += 1
  })
  expect([calls, late.write(frame('x'))]).toEqual([1, false])
})

test('a client that does not read is disconnected before its buffer grows', async () => {
  sink.begin()
  client.pause()
  let written = 0
  // The socket buffers of the system take some megabytes first.
  while (sink.write(Buffer.alloc(64 * 1024, ':')) && written < 5_000) {
    written += 1
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(written).toBeLessThan(1_000)
  expect(response.destroyed).toBe(true)
  await expect.poll(() => gone).toBe(1)
})
