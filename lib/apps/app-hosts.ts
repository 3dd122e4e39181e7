/** The hosts of the apps behind forward auth: all are https, or all are http on this machine. */
export class AppHosts {
  readonly #scheme: 'https:' | 'http:'
  readonly #hosts: ReadonlySet<string>

  /** `hosts`: as `URL` gives them, with a port unless it is the scheme's own. */
  constructor(hosts: readonly string[], scheme: 'https:' | 'http:') {
    this.#scheme = scheme
    this.#hosts = new Set(hosts)
  }

  /** Of every app: `https` or `http`. */
  get protocol(): string {
    return this.#scheme.slice(0, -1)
  }

  /** The listed host that a header names; null for any other one, and for none. */
  find(name: string | null): string | null {
    if (name === null || this.#hosts.has(name)) return name
    if (!HOST.test(name) || !URL.canParse(`${this.#scheme}//${name}`)) return null
    const { host } = new URL(`${this.#scheme}//${name}`)
    return this.#hosts.has(host) ? host : null
  }

  /** `host`: a listed one. */
  originOf(host: string): string {
    return `${this.#scheme}//${host}`
  }
}

/** A name or an address, with a port or without. Neither a list nor a path. */
const HOST = /^(\[[0-9a-f:.]+\]|[\w.-]+)(:\d+)?$/i
