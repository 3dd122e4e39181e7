// Two instances on a Redis with a replica. They reach whichever is the primary at one address, as
// behind a name or a balancer: it leads new connections to the new one, and leaves the old ones as
// they are.
import { until } from '../ports.mjs'
import { pause } from '../stage.mjs'

/**
 * @typedef {import('../stage.mjs').Stage} Stage
 * @typedef {import('../redis.mjs').Redis} Redis
 */

const PHASE_MS = 9_000
const FAULT_MS = 4_000
/** As long as a promotion by Redis Sentinel takes at least. */
const PROMOTION_MS = 1_500
/** How far behind the replica is when its primary dies. */
const LAG_MS = 1_000

/** @param {Stage} stage */
export async function failover(stage) {
  let [primary, replica] = [await stage.redis(), await stage.redis()]
  // The replica is reached over a wire of its own, so that it can be behind.
  let replication = await stage.link(primary.port)
  await replica.follow(replication.port)
  const link = await stage.link(primary.port)
  const settings = { REDIS_URL: `redis://127.0.0.1:${link.port}` }
  await stage.start(settings, settings)
  const traffic = stage.traffic()
  traffic.begin()
  const settle = () => pause(stage.share(PHASE_MS, 4_000))
  const hold = () => pause(stage.share(FAULT_MS, 2_000))
  await pause(2_000)

  await stage.fault('FAILOVER', {}, async () => {
    await primary.ask(`FAILOVER TO 127.0.0.1 ${replica.port} FORCE TIMEOUT 3000`)
    await until(() => replica.isPrimary())
    link.target = replica.port
  })
  ;[primary, replica] = [replica, primary]
  await settle()

  if (stage.scale >= 0.5) {
    await stage.fault('maxmemory', {}, async () => {
      await primary.ask('CONFIG SET maxmemory 1')
      await hold()
      await primary.ask('CONFIG SET maxmemory 0')
    })
    await settle()

    await stage.fault('min-replicas-to-write', {}, async () => {
      await primary.ask('CONFIG SET min-replicas-to-write 3')
      await hold()
      await primary.ask('CONFIG SET min-replicas-to-write 0')
    })
    await settle()

    await stage.fault('REPLICAOF', { losesTail: true }, async () => {
      // In this order there are never two primaries.
      await primary.ask(`REPLICAOF 127.0.0.1 ${replica.port}`)
      await replica.ask('REPLICAOF NO ONE')
      link.target = replica.port
    })
    ;[primary, replica] = [replica, primary]
    await settle()
  }

  replication = await stage.link(primary.port)
  await replica.follow(replication.port)
  // An ending waits for a replica, and is refused where none answers.
  await stage.fault('replica behind', {}, async () => {
    replication.isHeld = true
    await pause(LAG_MS)
  })
  await stage.fault('SIGKILL of the primary', { losesTail: true }, async () => {
    await primary.kill()
    await pause(PROMOTION_MS)
    await replica.ask('REPLICAOF NO ONE')
    link.target = replica.port
  })
  await settle()
  await stage.settle(traffic)
}
