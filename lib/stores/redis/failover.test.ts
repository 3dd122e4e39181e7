import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { beginning, computer } from '../../../test/contracts/store-fixtures'
import { ADA, LIFETIMES, pendingAttempt, scanBy, T0 } from '../../../test/support/fixtures'
import { hasRedisServer, RedisServer } from '../../../test/support/redis-server'
import { Wire } from '../../../test/support/wire'
import { transition } from '../../core/attempt/transition'
import { updateAttempt } from '../../core/update-attempt'
import { RedisFailure } from './client/redis'
import { TcpRedis } from './client/tcp'
import { RedisStore } from './store'

/** A primary, a replica, and one address that leads new connections to the current `primary`. */

describe.skipIf(!hasRedisServer())('a Redis with a replica', () => {
  let primary: RedisServer
  let replica: RedisServer
  let wire: Wire
  let stores: RedisStore[]

  beforeEach(async () => {
    primary = await RedisServer.start()
    replica = await RedisServer.start()
    await replica.replicate(primary)
    wire = await Wire.open(() => primary.port)
    stores = [1, 2].map(openStore)
    for (const each of stores) await expect.poll(() => failureOf(() => each.ping())).toBeNull()
  })
  afterEach(async () => {
    for (const each of stores) await each.close()
    await wire.close()
    await primary.dispose()
    await replica.dispose()
  })

  function openStore(): RedisStore {
    const url = `redis://127.0.0.1:${wire.port}`
    const redis = new TcpRedis({ url, now: () => performance.now(), onError: () => {} })
    const began = performance.now()
    const now = () => T0 + performance.now() - began
    const options = { redis, prefix: 'qr:', process: randomUUID(), now, onError: () => {} }
    return new RedisStore({ ...options, attemptLifeMs: 3_600_000 })
  }

  /** The kind of the failure, null for success, or the text of any other error. */
  async function failureOf(call: () => Promise<unknown>): Promise<string | null> {
    const startedAt = performance.now()
    const failure = await call().then(
      () => null,
      (error: unknown) => (error instanceof RedisFailure ? error.kind : `threw ${error}`),
    )
    return performance.now() - startedAt > 1_000 ? `${failure}, late` : failure
  }

  const scan = async (store: RedisStore, id: string) =>
    await updateAttempt(store, id, (attempt) => transition(attempt, scanBy(ADA), T0, LIFETIMES))
  const idOf = (at: number) => `AAAAAAAAAAAAA${String(at).padStart(3, '0')}`

  const FAULTS: [string, string, (on: boolean) => Promise<unknown>][] = [
    ['has too few replicas', 'no_replicas', (on) => primary.send(`CONFIG SET min-replicas-to-write ${on ? 2 : 0}`)],
    ['is full', 'full', (on) => primary.send(`CONFIG SET maxmemory ${on ? 1 : 0}`)],
    ['is a replica', 'read_only', (on) => primary.send(`REPLICAOF ${on ? `127.0.0.1 ${replica.port}` : 'NO ONE'}`)],
  ]

  test.each(FAULTS)(
    'that %s: calls fail as %s, then as breaker; ready again within 3 s of the repair',
    async (_, kind, set) => {
      const [store] = stores as [RedisStore]
      await store.insertAttempt(pendingAttempt())
      if (kind === 'read_only') {
        await expect.poll(() => replica.send('DBSIZE')).toBe(await primary.send('DBSIZE'))
        await replica.send('REPLICAOF NO ONE')
      }
      await set(true)
      const kinds = new Set<string | null>()
      for (let count = 0; count < 20; count += 1) {
        kinds.add(await failureOf(() => store.insertAttempt(pendingAttempt(idOf(count)))))
        kinds.add(await failureOf(() => store.ping()))
      }
      expect([...kinds].sort()).toEqual(['breaker', kind].sort())
      await set(false)
      await expect.poll(() => failureOf(() => store.ping()), { timeout: 3_000 }).toBeNull()
      expect((await scan(store, pendingAttempt().id))?.attempt.status).toBe('scanned')
    },
  )

  test('FAILOVER: only failures of the store, ready within 3 s, and an open watch is notified', async () => {
    const [store, other] = stores as [RedisStore, RedisStore]
    await store.insertAttempt(pendingAttempt())
    const seen: string[] = []
    const { id, computer: device } = pendingAttempt()
    const watched = await other.watchAttempt(id, device.browserHash, ({ status }) => seen.push(status), T0)
    expect(watched).not.toBeNull()
    const kinds = new Set<string | null>()
    let isOver = false
    const traffic = (async () => {
      for (let count = 0; !isOver; count += 1) {
        kinds.add(await failureOf(() => store.insertAttempt(pendingAttempt(idOf(count)))))
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    })()
    await primary.send('FAILOVER')
    await expect.poll(() => replica.send('ROLE'), { timeout: 10_000 }).toContain('master')
    ;[primary, replica] = [replica, primary]
    await expect.poll(() => failureOf(() => store.ping()), { timeout: 3_000 }).toBeNull()
    isOver = true
    await traffic
    const allowed = [null, 'read_only', 'breaker', 'connection', 'late', 'no_primary']
    expect([...kinds].filter((kind) => !allowed.includes(kind))).toEqual([])
    expect((await scan(store, id))?.attempt.status).toBe('scanned')
    await expect.poll(() => seen, { timeout: 4_000 }).toContain('scanned')
    // Nothing is sent to the old primary any more: both stores subscribe at the new one.
    await expect
      .poll(async () => (await primary.send('CLIENT LIST TYPE pubsub')).match(/ sub=1 /g)?.length, { timeout: 20_000 })
      .toBe(2)
    watched?.unwatch()
  }, 60_000)

  test('whose replica is frozen: an ending is not confirmed, a sign-in does not wait', async () => {
    const [store] = stores as [RedisStore]
    await store.insertSession(beginning(computer('s1')))
    await expect.poll(() => failureOf(() => store.confirmDurable('ending')), { timeout: 3_000 }).toBeNull()
    replica.freeze()
    await store.revokeSession('s1', T0, 'here')
    const confirmations = Array.from({ length: 50 }, () => failureOf(() => store.confirmDurable('ending')))
    expect(new Set(await Promise.all(confirmations))).toEqual(new Set(['not_replicated']))
    expect(await failureOf(() => store.confirmDurable('sign-in'))).toBeNull()
    replica.thaw()
    await expect.poll(() => failureOf(() => store.confirmDurable('ending')), { timeout: 3_000 }).toBeNull()
  })

  test('whose replica is gone: an ending is confirmed without it', async () => {
    const [store] = stores as [RedisStore]
    await expect.poll(() => failureOf(() => store.confirmDurable('ending')), { timeout: 3_000 }).toBeNull()
    await replica.kill()
    await expect.poll(() => failureOf(() => store.confirmDurable('ending')), { timeout: 3_000 }).toBeNull()
  })

  test('20 failovers that lose the latest writes: no confirmed cancel or sign-out is undone', async () => {
    const undone: string[] = []
    for (let round = 0; round < 20; round += 1) {
      const store = openStore()
      await expect.poll(() => failureOf(() => store.ping())).toBeNull()
      const id = idOf(round)
      await store.insertAttempt(pendingAttempt(id))
      await store.insertSession(beginning(computer(`s${round}`)))
      await scan(store, id)
      const cancel = { type: 'cancel', phone: null } as const
      await updateAttempt(store, id, (attempt) => transition(attempt, cancel, T0, LIFETIMES))
      await store.revokeSession(`s${round}`, T0, 'phone')
      // Without confirmation the client gets a 503, and repeats the request.
      await expect.poll(() => failureOf(() => store.confirmDurable('ending')), { timeout: 5_000 }).toBeNull()
      await primary.kill()
      await replica.send('REPLICAOF NO ONE')
      ;[primary, replica] = [replica, primary]
      await store.close()
      const after = openStore()
      await expect.poll(() => failureOf(() => after.ping())).toBeNull()
      if ((await after.findAttempt(id))?.status !== 'cancelled') undone.push(id)
      if ((await after.findSession(`s${round}`))?.revokedAt !== T0) undone.push(`s${round}`)
      await after.close()
      await replica.start()
      await replica.replicate(primary)
    }
    expect(undone).toEqual([])
  }, 90_000)
})
