/** Next calls this once before the first request. Compiled for Edge too, so that Node's part is a file of its own. */
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME === 'nodejs') {
    const { startProcess } = await import('./instrumentation-node')
    startProcess()
  }
}
