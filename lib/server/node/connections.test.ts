import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { expect, test, vi } from 'vitest'
import { createLog } from '../log'
import { Connections, findConnectionLimit } from './connections'

test('connections beyond the maximum are closed, counted, and logged once per second', async () => {
  const log = createLog('silent')
  const warn = vi.spyOn(log, 'warn')
  let time = 0
  const connections = new Connections({ log, max: 2, now: () => time })
  const server = createServer()
  connections.watch(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const open = () =>
    new Promise<Socket>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(socket))
      socket.on('error', () => {})
    })
  const sockets = [await open(), await open()]
  await expect.poll(() => connections.countOpen()).toBe(2)
  for (let times = 0; times < 3; times += 1) sockets.push(await open())
  await expect.poll(() => connections.dropped).toBe(3)
  expect(warn.mock.calls.map(([facts]) => facts)).toEqual([{ dropped: 1, maxConnections: 2 }])
  time = 1_000
  sockets.push(await open())
  await expect.poll(() => connections.dropped).toBe(4)
  expect(warn.mock.calls.map(([facts]) => facts)).toContainEqual({ dropped: 3, maxConnections: 2 })
  expect(await connections.countOpen()).toBe(2)
  for (const socket of sockets) socket.destroy()
  await expect.poll(() => connections.countOpen()).toBe(0)
  server.close()
})

test('the maximum is positive on Linux, and null elsewhere', () => {
  const limit = findConnectionLimit()
  if (process.platform === 'linux') expect(limit).toBeGreaterThan(0)
  else expect(limit).toBeNull()
  expect(new Connections({ log: createLog('silent'), max: limit, now: () => 0 }).max).toBe(limit)
})
