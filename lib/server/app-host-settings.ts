import type { Settings } from './settings'

const NAME = 'FORWARD_AUTH_HOSTS'

/**
 * The hosts as `URL` gives them: in lower case, without the scheme's own port. Apps have the scheme
 * of our origin.
 */
export function toAppHosts(hosts: readonly string[] | undefined, publicOrigin: string): readonly string[] | null {
  const { protocol } = new URL(publicOrigin)
  return hosts?.map((host) => new URL(`${protocol}//${host}`).host) ?? null
}

/** What is wrong about the hosts of apps beside the other settings. `origins`: our own. */
export function appHostProblems(
  { FORWARD_AUTH_HOSTS: given, TRUSTED_PROXIES: proxies }: Settings,
  origins: readonly string[],
  isLocal: boolean,
): { name: string; problem: string }[] {
  const [publicOrigin = ''] = origins
  const hosts = toAppHosts(given, publicOrigin)
  if (hosts === null) return []
  const rows: { name: string; problem: string }[] = []
  const isHttps = publicOrigin.startsWith('https:')
  if (proxies === undefined)
    rows.push({ name: 'TRUSTED_PROXIES', problem: `required with ${NAME}: the addresses of the proxies of the apps` })
  if (hosts.some((host) => host.includes('*') || host.endsWith('.') || /\.:\d+$/.test(host)))
    rows.push({ name: NAME, problem: 'expected: exact hosts, without * and without a dot at the end' })
  if (hosts.some((host) => origins.some((origin) => new URL(origin).host === host)))
    rows.push({ name: NAME, problem: 'expected: hosts of apps, not that of PUBLIC_ORIGIN' })
  if (!isHttps && !isLocal && hosts.some((host) => !isLoopbackHost(host)))
    rows.push({ name: NAME, problem: 'requires an https PUBLIC_ORIGIN, except for hosts of this machine' })
  return rows
}

/** Of this machine. Browsers resolve every name below `localhost` to it. */
function isLoopbackHost(host: string): boolean {
  const { hostname } = new URL(`http://${host}`)
  return /^(localhost|.+\.localhost|127\.[\d.]+|\[::1\])$/.test(hostname)
}
