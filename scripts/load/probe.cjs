// Loaded into the server by `npm run soak`: on SIGUSR2 it collects garbage and writes what is left to the file named in PROBE_FILE.
const { writeFileSync } = require('node:fs')

process.on('SIGUSR2', () => {
  globalThis.gc()
  globalThis.gc()
  const resources = {}
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1
  writeFileSync(process.env.PROBE_FILE, JSON.stringify({ heap: process.memoryUsage().heapUsed, resources }))
})
