// A network between the instances and their Redis that loses packets: some bytes arrive late, and
// all later ones wait for them.
import { setTimeout as pause } from 'node:timers/promises'
import type { WireFault } from '../../../test/support/wire'
import type { Stage } from '../stage'

const QUIET_MS = 2_000
const LOSSY_MS = 60_000
/** Fewer than in other scenarios: a stall delays all commands that are sent while it lasts. */
const PER_SECOND = 3
/**
 * A stall may fail the requests that its instance receives in this time: longer than the store's
 * deadline.
 */
const COST_S = 1
const STALL: WireFault = { kind: 'stall', share: 0.01, leastMs: 1_000, mostMs: 2_000, adds: true }

export async function lossy(stage: Stage): Promise<void> {
  const redis = await stage.redis()
  const wires = [await stage.wire(() => redis.port), await stage.wire(() => redis.port)]
  await stage.start(...wires.map(({ port }) => ({ REDIS_URL: `redis://127.0.0.1:${port}` })))
  const traffic = stage.traffic({ perSecond: PER_SECOND })
  traffic.begin()
  await pause(QUIET_MS)
  const fault = await stage.fault('1 % of chunks stalled', {}, async () => {
    for (const wire of wires) wire.fault = STALL
    await pause(stage.share(LOSSY_MS, 8_000))
    for (const wire of wires) wire.fault = { kind: 'none' }
  })
  await pause(QUIET_MS)
  await stage.settle(traffic)
  const stalled = wires.reduce((sum, wire) => sum + wire.stalled, 0)
  const chunks = wires.reduce((sum, wire) => sum + wire.chunks, 0)
  // One more, because the last may continue after the end.
  const lastedS = (fault.to - fault.from) / 1_000
  fault.mostFailed = ((stalled + 1) * COST_S) / (lastedS * wires.length)
  const during = stage.history.operations.filter(({ sentAt }) => sentAt >= fault.from && sentAt <= fault.to)
  const failed = during.filter(({ status }) => status === null || status >= 500)
  stage.figures['chunks stalled'] = `${stalled} of ${chunks}`
  stage.figures['failed while lossy'] = `${((100 * failed.length) / during.length).toFixed(1)} %`
  stage.figures['failed at most'] = `${(100 * fault.mostFailed).toFixed(1)} %`
}
