// Serves the built app: `npm start`. In this very process, so that a signal to it reaches the server.
process.env.NEXT_TELEMETRY_DISABLED = '1'
// The app ends by itself (instrumentation-node.ts): Next would stop listening before anybody could know.
process.env.NEXT_MANUAL_SIG_HANDLE = '1'

// Read here and not by the shell: some shells set HOSTNAME to the machine's own name.
const host = process.env.HOSTNAME || '0.0.0.0'
const port = process.env.PORT || '3000'

process.argv.splice(1, Number.POSITIVE_INFINITY, 'next', 'start', '--hostname', host, '--port', port)
await import('next/dist/bin/next')
