// Two instances on a Redis with a replica. They connect to the primary at one address, as behind a
// name or a load balancer: new connections go to the new primary, open ones stay at the old one.
import { setTimeout as pause } from 'node:timers/promises'
import { until } from '../../../test/support/until'
import type { Stage } from '../stage'

const PHASE_MS = 9_000
const FAULT_MS = 4_000
/** The least time that a promotion by Redis Sentinel takes. */
const PROMOTION_MS = 1_500
/** How far behind the replica is when its primary dies. */
const LAG_MS = 1_000

export async function failover(stage: Stage): Promise<void> {
  let [primary, replica] = [await stage.redis(), await stage.redis()]
  await replica.replicate(primary)
  // Where new connections of the instances go.
  let target = primary.port
  const wire = await stage.wire(() => target)
  const settings = { REDIS_URL: `redis://127.0.0.1:${wire.port}` }
  await stage.start(settings, settings)
  const traffic = stage.traffic()
  traffic.begin()
  const settle = () => pause(stage.share(PHASE_MS, 4_000))
  const hold = () => pause(stage.share(FAULT_MS, 2_000))
  await pause(2_000)

  await stage.fault('FAILOVER', {}, async () => {
    await primary.send(`FAILOVER TO 127.0.0.1 ${replica.port} FORCE TIMEOUT 3000`)
    await until(() => replica.isPrimary(), { withinMs: 30_000, everyMs: 20 })
    target = replica.port
  })
  ;[primary, replica] = [replica, primary]
  await settle()

  if (!stage.isShort) {
    await stage.fault('maxmemory', {}, async () => {
      await primary.send('CONFIG SET maxmemory 1')
      await hold()
      await primary.send('CONFIG SET maxmemory 0')
    })
    await settle()

    await stage.fault('min-replicas-to-write', {}, async () => {
      await primary.send('CONFIG SET min-replicas-to-write 3')
      await hold()
      await primary.send('CONFIG SET min-replicas-to-write 0')
    })
    await settle()

    await stage.fault('REPLICAOF', { losesTail: true }, async () => {
      // In this order there are never two primaries.
      await primary.send(`REPLICAOF 127.0.0.1 ${replica.port}`)
      await replica.send('REPLICAOF NO ONE')
      target = replica.port
    })
    ;[primary, replica] = [replica, primary]
    await settle()
  }

  // From here on, replication has a wire of its own, so that the replica can be behind.
  const { port } = primary
  const replication = await stage.wire(() => port)
  await replica.replicate(primary, replication.port)
  // An ending waits for a replica, and is refused if none confirms it.
  await stage.fault('replica behind', {}, async () => {
    replication.fault = { kind: 'hold' }
    await pause(LAG_MS)
  })
  await stage.fault('SIGKILL of the primary', { losesTail: true }, async () => {
    await primary.kill()
    await pause(PROMOTION_MS)
    await replica.send('REPLICAOF NO ONE')
    target = replica.port
  })
  await settle()
  await stage.settle(traffic)
}
