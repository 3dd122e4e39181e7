import { createServer } from 'node:net'

const DEADLINE_MS = 30_000

/** A port of this machine that no process listens on. @returns {Promise<number>} */
export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => (address !== null && typeof address === 'object' ? resolve(address.port) : reject(address)))
    })
  })
}

/** Resolves when `isTrue` does. @param {() => Promise<boolean>} isTrue */
export async function until(isTrue) {
  const deadline = performance.now() + DEADLINE_MS
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error(`not true within ${DEADLINE_MS / 1_000} s: ${isTrue}`)
    await new Promise((wake) => setTimeout(wake, 20))
  }
}
