import { ClientRegistry, type ClientsLog } from '../apps/client-registry'
import { ConfigError } from '../core/start-error'
import { type FindCity, openGeoDatabase } from '../http/geo-database'
import type { Config } from './config'

/**
 * The cities of `GEOIP_DB`.
 * @throws ConfigError where the file cannot be used.
 */
export function openPlaces(path: string): FindCity {
  try {
    return openGeoDatabase(path)
  } catch {
    throw new ConfigError([{ name: 'GEOIP_DB', problem: 'expected: the path of a readable MMDB file' }])
  }
}

/**
 * The apps of `CLIENTS_FILE`; null where it is not set.
 * @throws StartError for a file that cannot be read or has mistakes.
 */
export function openClients({ clientsFile }: Config, log: ClientsLog): ClientRegistry | null {
  return clientsFile === null ? null : new ClientRegistry(clientsFile, log)
}
