// Loaded by `npm run soak` into the server, which runs in plain Node: hence a CommonJS file for
// `--require`. On SIGUSR2 it collects garbage and writes the heap size and the active resources to
// the file named in PROBE_FILE.
const { writeFileSync } = require('node:fs')

process.on('SIGUSR2', () => {
  globalThis.gc()
  globalThis.gc()
  const resources = {}
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1
  writeFileSync(process.env.PROBE_FILE, JSON.stringify({ heap: process.memoryUsage().heapUsed, resources }))
})
