import { spawn } from 'node:child_process'

type RunEnv = Record<string, string>

interface RunOptions {
  cwd?: string
  /** Starts the command in a new process group, like a shell. */
  ownGroup?: boolean
}

export interface Run {
  output: () => string
  /** Resolves with the exit code; null if a signal ended the process. */
  ended: Promise<number | null>
  kill: (signal: NodeJS.Signals) => void
  /** Sends the signal to every process of the group. */
  killGroup: (signal: NodeJS.Signals) => void
  /** Whether a process of the group is left. */
  hasGroup: () => boolean
}

/** Runs a command with only `env`, `PATH` and `HOME` in its environment, and no telemetry. */
export function run(command: string, args: string[], env: RunEnv, options: RunOptions = {}): Run {
  const base = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', NEXT_TELEMETRY_DISABLED: '1' }
  const child = spawn(command, args, {
    env: { ...base, ...env } as unknown as NodeJS.ProcessEnv,
    cwd: options.cwd,
    detached: options.ownGroup ?? false,
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  }
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const group = -(child.pid ?? Number.NaN)
  return {
    output: () => output,
    ended,
    kill: (signal) => child.kill(signal),
    killGroup: (signal) => process.kill(group, signal),
    hasGroup: () => {
      try {
        return process.kill(group, 0)
      } catch {
        return false
      }
    },
  }
}

/** Whether a server on this port is ready. */
export async function isUp(port: number | string): Promise<boolean> {
  return await fetch(`http://localhost:${port}/api/health/ready`).then(
    ({ ok }) => ok,
    () => false,
  )
}
