import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ADA, afterEvents, COMPUTER, LIFETIMES, pendingAttempt, scanBy, T0 } from '../../../test/support/fixtures'
import { hasRedisServer, RedisServer } from '../../../test/support/redis-server'
import { Wire, type WireFault } from '../../../test/support/wire'
import { transition } from '../../core/attempt/transition'
import { createComputerSession } from '../../core/session/session'
import type { Change } from '../../core/store'
import { updateAttempt } from '../../core/update-attempt'
import { RedisFailure } from './client/redis'
import { TcpRedis } from './client/tcp'
import { RedisStore } from './store'

/**
 * The shared store under faults: calls fail in time, grant nothing, and succeed after the fault.
 */

describe.skipIf(!hasRedisServer())('a Redis behind a faulty connection', () => {
  let server: RedisServer
  let wire: Wire
  let store: RedisStore

  beforeEach(async () => {
    server = await RedisServer.start()
    wire = await Wire.open(() => server.port)
    const redis = new TcpRedis({ url: `redis://127.0.0.1:${wire.port}`, now: Date.now, onError: () => {} })
    store = new RedisStore({
      redis,
      prefix: 'qr:',
      process: randomUUID(),
      now: () => T0,
      onError: () => {},
      attemptLifeMs: 3_600_000,
    })
    await expect.poll(isUp).toBe(true)
  })
  afterEach(async () => {
    await store.close()
    await wire.close()
    await server.dispose()
  })

  const isUp = () =>
    store.ping().then(
      () => true,
      () => false,
    )
  const id = pendingAttempt().id
  const scan = async () => await updateAttempt(store, id, (attempt) => transition(attempt, scanBy(ADA), T0, LIFETIMES))

  const FAULTS: [string, WireFault][] = [
    ['sends half a reply and is cut', { kind: 'torn' }],
    ['replies too late', { kind: 'late', ms: 900 }],
    ['is read-only', { kind: 'error', reply: "-READONLY You can't write against a read only replica." }],
    ['is loading', { kind: 'error', reply: '-LOADING Redis is loading the dataset in memory' }],
    ['is out of memory', { kind: 'error', reply: "-OOM command not allowed when used memory > 'maxmemory'." }],
    ['has lost its cluster', { kind: 'error', reply: '-CLUSTERDOWN The cluster is down' }],
    ['accepts no more connections', { kind: 'error', reply: '-ERR max number of clients reached' }],
  ]

  test.each(FAULTS)('that %s: calls fail within a second, and succeed within 3 s after the fault', async (_, fault) => {
    await store.insertAttempt(pendingAttempt())
    wire.fault = fault
    const startedAt = performance.now()
    for (const call of [() => store.findAttempt(id), scan, () => store.takeOnce('nonce', T0 + 1_000, T0)]) {
      await expect(call()).rejects.toBeInstanceOf(RedisFailure)
    }
    expect(performance.now() - startedAt).toBeLessThan(3_000)
    wire.fault = { kind: 'none' }
    await expect.poll(isUp, { timeout: 3_000 }).toBe(true)
    // The scan may have been written or not. Repeated, it is written exactly once.
    await expect.poll(async () => (await scan())?.attempt.version, { timeout: 3_000 }).toBe(2)
  })

  test('that replies after 400 ms is slow, but no call fails', async () => {
    await store.insertAttempt(pendingAttempt())
    wire.fault = { kind: 'late', ms: 400 }
    expect((await store.findAttempt(id))?.status).toBe('pending')
  })

  test('whose reply to a write is lost: a repeat returns the same result and writes nothing more', async () => {
    await store.insertAttempt(pendingAttempt())
    const scanned = await store.findAttempt(id)
    wire.fault = { kind: 'late', ms: 2_000 }
    await expect(
      updateAttempt(store, id, (attempt) => transition(attempt, scanBy(ADA), T0, LIFETIMES), { from: scanned }),
    ).rejects.toBeInstanceOf(RedisFailure)
    wire.fault = { kind: 'none' }
    await expect
      .poll(async () => (await scan().catch(() => null))?.attempt, { timeout: 4_000 })
      .toMatchObject({
        status: 'scanned',
        version: 2,
      })
  })

  test('a redeem lost in a failover and repeated: one session', async () => {
    const confirmed = afterEvents(pendingAttempt(), scanBy(ADA), { type: 'confirm', phone: ADA, passkey: 'none' })
    await store.insertAttempt(confirmed)
    const redeem = (attempt: typeof confirmed): Change => ({
      ...transition(attempt, { type: 'redeem', ticketRight: true, sessionId: 's1', maxTries: 5 }, T0, LIFETIMES),
      begins: {
        session: createComputerSession({ id: 's1', person: ADA.person, computer: COMPUTER, amr: [] }, T0, {
          computerMs: 1_000_000,
          computerIdleMs: 1_000_000,
          phoneIdleMs: 1_000_000,
        }),
        now: T0,
        replaces: null,
        keeps: 20,
        by: 'limit',
        idleMs: 1_000_000,
        isKnownUntil: T0 + 1_000_000,
        revocation: { scope: 'x', entries: [], since: 0, refuse: () => new Error() },
      },
    })
    const snapshot = await server.send(`GET qr:a:${id}`)
    await updateAttempt(store, id, redeem)
    // As on a promoted replica that has the session, but not the last write of the attempt.
    const document = snapshot.split('\r\n')[1] ?? ''
    await server.send(['SET', `qr:a:${id}`, document, 'PX', '60000'])
    expect((await store.findAttempt(id))?.status).toBe('confirmed')
    await updateAttempt(store, id, redeem)
    expect((await store.listSessions('ada', 'computer')).map((session) => session.id)).toEqual(['s1'])
  })

  test('whose connections are half-open: calls and messages work again within 3 s', async () => {
    await store.insertAttempt(pendingAttempt())
    const seen: string[] = []
    const watched = await store.watchAttempt(id, COMPUTER.browserHash, ({ status }) => seen.push(status), T0)
    await expect.poll(() => server.send(`SCARD qr:w:${id}`)).toContain(':1')
    wire.silence()
    await Promise.all([1, 2, 3].map(() => expect(store.findAttempt(id)).rejects.toBeInstanceOf(RedisFailure)))
    await expect.poll(isUp, { timeout: 3_000 }).toBe(true)
    await scan()
    // The first is read after the gap, the second is a message.
    await expect.poll(() => seen, { timeout: 3_000 }).toEqual(['pending', 'scanned'])
    watched?.unwatch()
  })

  test('that is full or read-only: RedisFailure, not a bug', async () => {
    await store.insertAttempt(pendingAttempt())
    await server.send('CONFIG SET maxmemory 1')
    await expect(store.insertAttempt(pendingAttempt('AAAAAAAAAAAAAAA1'))).rejects.toBeInstanceOf(RedisFailure)
    await server.send('CONFIG SET maxmemory 0')
    await server.send(`REPLICAOF 127.0.0.1 ${server.port}`)
    await expect(scan()).rejects.toBeInstanceOf(RedisFailure)
    await server.send('REPLICAOF NO ONE')
    await expect.poll(async () => (await scan().catch(() => null))?.attempt.status, { timeout: 4_000 }).toBe('scanned')
  })

  test('that has lost its data is empty, and works', async () => {
    await store.insertAttempt(pendingAttempt())
    await server.send('FLUSHALL')
    await server.send('SCRIPT FLUSH')
    expect(await store.findAttempt(id)).toBeNull()
    await store.insertAttempt(pendingAttempt())
    expect((await scan())?.attempt.status).toBe('scanned')
  })

  test('whose messages are all lost: a scan is published within 16 s, the next change within 2.5 s', async () => {
    const began = Date.now()
    const redis = new TcpRedis({ url: server.url, now: Date.now, onError: () => {} })
    const now = () => T0 + Date.now() - began
    const other = new RedisStore({
      redis,
      prefix: 'qr:',
      process: randomUUID(),
      now,
      onError: () => {},
      attemptLifeMs: 3_600_000,
    })
    await store.insertAttempt(pendingAttempt())
    const seen: string[] = []
    const watched = await other.watchAttempt(id, COMPUTER.browserHash, ({ status }) => seen.push(status), T0)
    await expect.poll(() => server.send(`SCARD qr:w:${id}`)).toContain(':1')
    expect(watched?.attempt.status).toBe('pending')
    const forget = () => server.send(`DEL qr:w:${id}`)
    await forget()
    await scan()
    // The read at the start of the subscription may publish the older state first.
    await expect.poll(() => seen.at(-1), { timeout: 16_000 }).toBe('scanned')
    await forget()
    await updateAttempt(store, id, (attempt) =>
      transition(attempt, { type: 'confirm', phone: ADA, passkey: 'none' }, T0, LIFETIMES),
    )
    await expect.poll(() => seen.at(-1), { timeout: 2_500 }).toBe('confirmed')
    watched?.unwatch()
    await other.close()
  }, 30_000)
})
