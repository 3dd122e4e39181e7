import type { ClientRegistry } from '../../apps/client-registry'
import type { Log } from '../log'

interface Options {
  log: Log
  /** Null: there is nothing to read again. */
  clients: ClientRegistry | null
}

/**
 * Listens to the signals that do not end the process. SIGHUP reads the clients file again; without
 * one it is ignored, so that a terminal that closes ends nothing. Without a listener, SIGUSR1 opens
 * Node's inspector.
 */
export function listenToSignals(signals: NodeJS.EventEmitter, { log, clients }: Options): void {
  const ignore = (signal: string) => log.info({ signal }, 'signal ignored')
  signals.on('SIGHUP', (signal) => {
    if (clients === null) ignore(signal)
    else clients.reload()
  })
  signals.on('SIGUSR1', ignore)
}
