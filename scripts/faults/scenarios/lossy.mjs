// A network between the instances and their Redis that loses packets: to the processes some bytes
// come late, and all that follow wait behind them.
import { pause } from '../stage.mjs'

const QUIET_MS = 2_000
const LOSSY_MS = 60_000
/** Fewer than elsewhere: a stall holds back all that is sent while it lasts. */
const PER_SECOND = 3
/** A stall may cost what its instance is sent in this time: longer than the store's deadline. */
const COST_S = 1
const STALLS = { share: 0.01, leastMs: 1_000, mostMs: 2_000 }

/** @param {import('../stage.mjs').Stage} stage */
export async function lossy(stage) {
  const redis = await stage.redis()
  const links = [await stage.link(redis.port), await stage.link(redis.port)]
  await stage.start(...links.map(({ port }) => ({ REDIS_URL: `redis://127.0.0.1:${port}` })))
  const traffic = stage.traffic({ perSecond: PER_SECOND })
  traffic.begin()
  await pause(QUIET_MS)
  const fault = await stage.fault('1 % of chunks stalled', {}, async () => {
    for (const link of links) link.stalls = STALLS
    await pause(stage.share(LOSSY_MS, 8_000))
    for (const link of links) link.stalls = { share: 0, leastMs: 0, mostMs: 0 }
  })
  await pause(QUIET_MS)
  await stage.settle(traffic)
  const stalled = links.reduce((sum, link) => sum + link.stalled, 0)
  const chunks = links.reduce((sum, link) => sum + link.chunks, 0)
  // One more, for the last may reach beyond the end.
  const lastedS = (fault.to - fault.from) / 1_000
  fault.mostFailed = ((stalled + 1) * COST_S) / (lastedS * links.length)
  const during = stage.history.operations.filter(({ sentAt }) => sentAt >= fault.from && sentAt <= fault.to)
  const failed = during.filter(({ status }) => status === null || status >= 500)
  stage.figures['chunks stalled'] = `${stalled} of ${chunks}`
  stage.figures['failed while lossy'] = `${((100 * failed.length) / during.length).toFixed(1)} %`
  stage.figures['failed at most'] = `${(100 * fault.mostFailed).toFixed(1)} %`
}
