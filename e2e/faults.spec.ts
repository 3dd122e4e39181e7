import { run } from './support/run'
import { expect, test } from './support/test'

/** The scenarios of `npm run faults`, each for some seconds instead of ten minutes. */
const SCENARIOS: [name: string, title: string][] = [
  ['kill', 'after kill -9 every response of the embedded store still holds, and no rate limit is reset'],
  ['failover', 'a failover, and a primary that crashes with unreplicated writes, undo no cancel and no sign-out'],
  ['lossy', 'a network that loses packets delays no response by more than 1 s'],
  ['clock', 'a clock that is set back by a day revives no code, and stops no stream'],
  ['clock-of-one', 'the clock of one of two instances is set: no code is revived and no stream stops'],
  ['disk', 'a full disk causes only 503 responses, and loses no data'],
]

/** The exit code of a scenario that this machine cannot run. */
const NOT_RUN = 2

test.describe.configure({ timeout: 180_000 })

for (const [name, title] of SCENARIOS) {
  test(title, async () => {
    const { code, output } = await campaign('--short', '--only', name)
    test.skip(code === NOT_RUN && !process.env.CI, /not run: .*/.exec(output)?.[0] ?? '')
    expect(code, output).toBe(0)
    expect(output).toContain('  no violation')
  })
}

async function campaign(...args: string[]): Promise<{ code: number | null; output: string }> {
  const { CI = '' } = process.env
  const { ended, output } = run(process.execPath, ['--import', 'tsx', 'scripts/faults.ts', ...args], { CI })
  const code = await ended
  return { code, output: output() }
}
