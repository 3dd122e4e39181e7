import { readFileSync, statSync } from 'node:fs'
import { ConfigError, type StartError } from '../core/start-error'
import { type Client, parseClients } from './clients'

const MAX_FILE_BYTES = 1024 * 1024

/** The part of a logger that the registry uses. */
export interface ClientsLog {
  info(facts: object, message: string): void
  error(facts: object, message: string): void
}

type Listener = (clients: readonly Client[]) => void

/**
 * The clients of this process. The file is read when the registry is made and at each `reload`,
 * never for a request.
 */
export class ClientRegistry {
  readonly #path: string
  readonly #log: ClientsLog
  readonly #listeners = new Set<Listener>()
  #clients: ReadonlyMap<string, Client>
  #logoOrigins: readonly string[]

  /** @throws ConfigError where the file cannot be read, StartError with the mistakes in it. */
  constructor(path: string, log: ClientsLog) {
    this.#path = path
    this.#log = log
    this.#clients = readClients(path)
    this.#logoOrigins = originsOf(this.#clients)
  }

  /** In the order of the file. */
  get clients(): readonly Client[] {
    return [...this.#clients.values()]
  }

  /** The origins of the clients' logos, as sources of a content security policy. */
  get logoOrigins(): readonly string[] {
    return this.#logoOrigins
  }

  /** The client with this id, or null. */
  find(clientId: string): Client | null {
    return this.#clients.get(clientId) ?? null
  }

  /**
   * Reads the file again. A file that cannot be read or has mistakes changes nothing and is logged
   * as one error line. Returns whether the file was taken.
   */
  reload(): boolean {
    let clients: ReadonlyMap<string, Client>
    try {
      clients = readClients(this.#path)
    } catch (error) {
      if (!isStartError(error)) throw error
      this.#log.error({ problems: error.rows }, 'the clients file is wrong: the clients stay as they were')
      return false
    }
    this.#clients = clients
    this.#logoOrigins = originsOf(clients)
    this.#log.info({ clients: clients.size }, 'clients file read')
    for (const listener of this.#listeners) this.#notify(listener)
    return true
  }

  /** Calls `listener` with the new list after each reload that took the file. Returns its end. */
  onChange(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** One listener that fails keeps no other from the new list. */
  #notify(listener: Listener): void {
    try {
      listener(this.clients)
    } catch (error) {
      this.#log.error({ err: error }, 'a listener of the clients file failed')
    }
  }
}

/** A host name may have characters that separate the directives of a policy. */
const POLICY_SOURCE = /^https:\/\/[\w.-]+(?::\d+)?$/

function originsOf(clients: ReadonlyMap<string, Client>): readonly string[] {
  const logos = [...clients.values()].flatMap(({ logo_uri: uri }) => (uri === undefined ? [] : [new URL(uri).origin]))
  return [...new Set(logos)].filter((origin) => POLICY_SOURCE.test(origin)).sort()
}

function isStartError(error: unknown): error is StartError {
  return error instanceof Error && 'rows' in error
}

const FILE_PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'there is none under this path',
  ENOTDIR: 'there is none under this path',
  EACCES: 'this user may not read it',
  EISDIR: 'this is a folder',
}

function readClients(path: string): ReadonlyMap<string, Client> {
  return new Map(parseClients(readText(path), path).map((client) => [client.client_id, client]))
}

function readText(path: string): string {
  try {
    if (statSync(path).size > MAX_FILE_BYTES) throw unreadable(path, 'it is larger than 1 MB')
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path))
  } catch (error) {
    if (isStartError(error)) throw error
    const code = String((error as NodeJS.ErrnoException).code)
    throw unreadable(
      path,
      code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'it is not UTF-8' : (FILE_PROBLEMS[code] ?? code),
    )
  }
}

function unreadable(path: string, problem: string): ConfigError {
  return new ConfigError([
    { name: 'CLIENTS_FILE', problem: `expected: the path of a readable file: ${problem}: ${path}` },
  ])
}
