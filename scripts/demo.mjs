// Builds the app and serves it with nothing configured: `npm run demo`.
import { spawn, spawnSync } from 'node:child_process'

const next = ['node_modules/next/dist/bin/next']
const env = { ...process.env, DEMO: '1', NEXT_TELEMETRY_DISABLED: '1' }

const build = spawnSync(process.execPath, [...next, 'build'], { env, stdio: 'inherit' })
if (build.status !== 0) process.exit(build.status ?? 1)

const server = spawn(process.execPath, [...next, 'start', '-H', '0.0.0.0'], { env, stdio: 'inherit' })
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.on(signal, () => server.kill(signal))
server.on('exit', (code) => process.exit(code ?? 1))
