import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { InFlight } from './in-flight'

let server: Server
let client: Socket
let admitted: ServerResponse[]
let refused: number

beforeEach(async () => {
  const inFlight = new InFlight()
  admitted = []
  refused = 0
  server = createServer((request, response) => {
    if (inFlight.admit(request.socket, response)) admitted.push(response)
    else refused += 1
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  client = connect((server.address() as AddressInfo).port, '127.0.0.1')
})
afterEach(() => {
  client.destroy()
  server.close()
})

const send = (times: number) => client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(times))

test('a connection with 1,000 pipelined requests is closed after eight', async () => {
  send(1_000)
  await once(client, 'close')
  expect(admitted).toHaveLength(8)
  expect(refused).toBeGreaterThan(0)
})

test('sequential requests on one connection are not limited', async () => {
  for (let count = 1; count <= 20; count += 1) {
    send(1)
    await expect.poll(() => admitted.length).toBe(count)
    admitted.at(-1)?.end('x')
  }
  expect(refused).toBe(0)
})

test('queued responses receive `close` when their connection ends', async () => {
  send(3)
  await expect.poll(() => admitted.length).toBe(3)
  const closed = admitted.map((response) => once(response, 'close'))
  client.destroy()
  await Promise.all(closed)
})
