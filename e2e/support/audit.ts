import { spawn } from 'node:child_process'

interface Report {
  origin: string
  checks: { id: string; flaws: string[]; outcome: 'held' | 'flaw' | 'skipped' | 'unclear'; detail: string }[]
}

/** Runs `npm run audit` as a stranger would. */
export async function audit(base: string, ...more: string[]): Promise<Report & { code: number | null }> {
  const child = spawn(process.execPath, ['scripts/audit.mjs', base, '--json', ...more])
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  }
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve))
  if (!output.startsWith('{')) throw new Error(output)
  return { ...(JSON.parse(output) as Report), code }
}

/** What was found, skipped or could not be judged. */
export const notHeld = ({ checks }: Report) =>
  checks.filter(({ outcome }) => outcome !== 'held').map(({ id, outcome, detail }) => `${id} ${outcome} ${detail}`)
