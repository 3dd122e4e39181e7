import { statfs } from 'node:fs/promises'
import { performance } from 'node:perf_hooks'
import { version } from '../../package.json'
import { ERROR_CODES } from '../http/problem'
import { Metrics } from '../metrics/metrics'
import type { StoreFailureKind } from '../metrics/names'
import type { Recorder } from '../metrics/recorder'
import type { ConnectionRegistry } from '../realtime/connections'

/** The metrics of a server with these connections. */
export function createMetrics(
  connections: ConnectionRegistry,
  storeFailureKind: (error: unknown) => StoreFailureKind | null,
): Metrics {
  return new Metrics({
    version,
    codes: ERROR_CODES,
    storeFailureKind,
    countStreams: (transport) => connections.count(transport),
    now: () => performance.now(),
  })
}

/** Observes the file system that the embedded store grows on. */
export function observeDisk(recorder: Recorder, folder: string): void {
  recorder.observe('disk_free_bytes', async () => {
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize
  })
  recorder.observe('disk_size_bytes', async () => {
    const { blocks, bsize } = await statfs(folder)
    return blocks * bsize
  })
}
