import { run } from './run'

interface Report {
  origin: string
  checks: {
    id: string
    flaws: string[]
    mitigations: string[]
    outcome: 'held' | 'flaw' | 'skipped' | 'unclear'
    detail: string
  }[]
}

/** Runs `npm run audit` against a deployment. */
export async function audit(base: string, ...more: string[]): Promise<Report & { code: number | null }> {
  const { code, output } = await print(base, '--json', ...more)
  if (!output.startsWith('{')) throw new Error(output)
  return { ...(JSON.parse(output) as Report), code }
}

/** Runs the audit and returns its readable output. */
export async function print(...args: string[]): Promise<{ code: number | null; output: string }> {
  const { ended, output } = run(process.execPath, ['scripts/audit.mjs', ...args], {})
  const code = await ended
  return { code, output: output() }
}

/** The checks that found a flaw, were skipped or gave no clear result. */
export const notHeld = ({ checks }: Report) =>
  checks.filter(({ outcome }) => outcome !== 'held').map(({ id, outcome, detail }) => `${id} ${outcome} ${detail}`)
