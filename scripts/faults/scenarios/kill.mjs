// SIGKILL of the one process on the embedded store, round after round.
import { pause } from '../stage.mjs'

const ROUNDS = 30
const UP_MS = 2_500

/** @param {import('../stage.mjs').Stage} stage */
export async function kill(stage) {
  await stage.start({})
  const traffic = stage.traffic()
  const hasty = hurry(traffic)
  traffic.begin()
  const rounds = stage.share(ROUNDS, 2)
  for (let round = 0; round < rounds; round += 1) {
    await pause(UP_MS / 2 + stage.chance.next() * UP_MS)
    await stage.fault('SIGKILL', { kills: true }, async () => {
      await stage.apps[0]?.end('SIGKILL')
      await stage.apps[0]?.start()
    })
  }
  await pause(UP_MS)
  hasty.stop()
  await stage.settle(traffic)
  stage.figures.rounds = rounds
}

/**
 * One browser that starts attempts twice a second: a restart frees no client from its limit.
 * @param {import('../traffic.mjs').Traffic} traffic
 */
function hurry(traffic) {
  const { computer } = traffic.pair(true)
  const timer = setInterval(() => void computer.start(), 500)
  return { stop: () => clearInterval(timer) }
}
