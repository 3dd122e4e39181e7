/**
 * Next calls this once before the first request. Compiled for Edge too, so that Node's part is a
 * file of its own.
 */
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME === 'nodejs') {
    try {
      const { startProcess } = await import('./instrumentation-node')
      startProcess({ isDevelopment: process.env.NODE_ENV === 'development' })
    } catch (error) {
      // Next would print it, and go on to listen.
      process.stderr.write(`${describe(error)}\n`)
      process.exit(1)
    }
  }
}

/**
 * Errors whose message is a table with what to do. By name: the error may come from another module
 * graph.
 */
const EXPLAINED = new Set(['ConfigError', 'StartError'])

function describe(error: unknown): string {
  if (!(error instanceof Error)) return `qr-login cannot start: ${error}`
  if (EXPLAINED.has(error.name)) return error.message
  return `qr-login cannot start. This error was not expected:\n${error.stack ?? error.message}`
}
