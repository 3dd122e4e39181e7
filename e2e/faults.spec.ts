import { run } from './support/run'
import { expect, test } from './support/test'

/** What `npm run faults` does for ten minutes, for some seconds each. */
const SCENARIOS: [name: string, title: string][] = [
  ['kill', 'after kill -9 every answer of the embedded store still holds, and no limit was freed'],
  ['failover', 'a failover, and a primary that dies with a lost tail, undo no cancel and no sign-out'],
  ['lossy', 'a network that loses packets delays no answer beyond 1 s'],
  ['clock', 'a clock that goes back by a day revives no code, and stops no stream'],
  ['clock-of-one', 'nor on one of two instances, where the time of the Redis counts'],
  ['disk', 'a full disk is answered by 503 alone, and loses nothing'],
]

/** The exit code where a scenario cannot be run on this machine. */
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
