// SIGKILL of the one process on the embedded store, round after round.
import { setTimeout as pause } from 'node:timers/promises'
import type { Stage } from '../stage'
import type { Traffic } from '../traffic'

const ROUNDS = 30
const UP_MS = 2_500

export async function kill(stage: Stage): Promise<void> {
  await stage.start({})
  const traffic = stage.traffic()
  const hasty = startHasty(traffic)
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
  clearInterval(hasty)
  await stage.settle(traffic)
  stage.figures.rounds = rounds
}

/** One browser that starts attempts twice a second: a restart does not reset a client's limit. */
function startHasty(traffic: Traffic): NodeJS.Timeout {
  const { computer } = traffic.pair(true)
  return setInterval(() => void computer.start(), 500)
}
