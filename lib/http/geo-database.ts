import { readFileSync } from 'node:fs'
import { isIPv6 } from 'node:net'
import { Reader } from 'mmdb-lib'

/**
 * What we read of a record of a city database (MaxMind's GeoIP2 and GeoLite2 City, DB-IP's and
 * IPinfo's MMDB files alike).
 */
interface CityRecord {
  city?: { names?: { en?: string } } | string
}

/** Turns an address into the name of a city, or null. */
export type FindCity = (address: string) => string | null

/**
 * Opens a local MMDB file, whole in memory: a look-up takes microseconds, and no address leaves
 * this machine.
 * @throws when the file cannot be read or is no MMDB.
 */
export function openGeoDatabase(path: string): FindCity {
  const reader = new Reader(readFileSync(path))
  const knowsIPv6 = reader.metadata.ipVersion === 6
  return (address) => {
    if (isIPv6(address) && !knowsIPv6) return null
    const city = (reader.get(address) as CityRecord | null)?.city
    return (typeof city === 'string' ? city : city?.names?.en) ?? null
  }
}
