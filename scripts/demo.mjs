// Builds the app and serves it with nothing configured: `npm run demo`.
import { spawnSync } from 'node:child_process'

process.env.DEMO = '1'
process.env.NEXT_TELEMETRY_DISABLED = '1'
// In a container this is the container's name; the demo is for every way that leads to this machine.
delete process.env.HOSTNAME

const { status } = spawnSync(process.execPath, ['node_modules/next/dist/bin/next', 'build'], { stdio: 'inherit' })
if (status !== 0) process.exit(status ?? 1)

await import('./start.mjs')
