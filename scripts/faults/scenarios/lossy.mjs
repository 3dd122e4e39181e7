// A network between the instances and their Redis that loses packets: to the processes some bytes
// come late, and all that follow wait behind them.
import { pause } from '../stage.mjs'

const QUIET_MS = 2_000
const LOSSY_MS = 60_000
/** Fewer than elsewhere: a stall holds back all that is sent while it lasts. */
const PER_SECOND = 3
/** Of the requests on a connection that stalls, those fail that cannot know it yet. */
const MOST_FAILED = 0.15
const STALLS = { share: 0.01, leastMs: 1_000, mostMs: 2_000 }

/** @param {import('../stage.mjs').Stage} stage */
export async function lossy(stage) {
  const redis = await stage.redis()
  const links = [await stage.link(redis.port), await stage.link(redis.port)]
  await stage.start(...links.map(({ port }) => ({ REDIS_URL: `redis://127.0.0.1:${port}` })))
  const traffic = stage.traffic({ perSecond: PER_SECOND })
  traffic.begin()
  await pause(QUIET_MS)
  const fault = await stage.fault('1 % of chunks stalled', { mostFailed: MOST_FAILED }, async () => {
    for (const link of links) link.stalls = STALLS
    await pause(stage.share(LOSSY_MS, 8_000))
    for (const link of links) link.stalls = { share: 0, leastMs: 0, mostMs: 0 }
  })
  await pause(QUIET_MS)
  await stage.settle(traffic)
  const during = stage.history.operations.filter(({ sentAt }) => sentAt >= fault.from && sentAt <= fault.to)
  const failed = during.filter(({ status }) => status === null || status >= 500)
  stage.figures['failed while lossy'] = `${((100 * failed.length) / during.length).toFixed(1)} %`
}
