// Builds the app and serves it without any configuration, with a sample app that people sign in
// to: `npm run demo`.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'

process.env.DEMO = '1'
process.env.NEXT_TELEMETRY_DISABLED = '1'
// In a container this is the container's name. The demo listens on every address of this machine.
delete process.env.HOSTNAME

const build = spawn(process.execPath, ['node_modules/next/dist/bin/next', 'build'], { stdio: 'inherit' })

/** @type {NodeJS.Signals | null} */
let endedBy = null
/** @param {NodeJS.Signals} signal */
const endBuild = (signal) => {
  endedBy ??= signal
  build.kill(signal)
}
const signals = /** @type {const} */ (['SIGTERM', 'SIGINT', 'SIGHUP'])
for (const signal of signals) process.on(signal, endBuild)
const [status] = await once(build, 'exit')
if (endedBy !== null) process.exit(128 + constants.signals[endedBy])
if (status !== 0) process.exit(status ?? 1)
for (const signal of signals) process.off(signal, endBuild)

const { registerSampleApp, startSampleApp } = await import('./demo/sample-app.mjs')
const sampleApp = await registerSampleApp()
await import('./start.mjs')
if (sampleApp !== null) await startSampleApp(sampleApp)
