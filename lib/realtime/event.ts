/** Encodes an event for one transport. */
export type Encoder = (event: ServerEvent) => Uint8Array

interface EventFields {
  event: string
  /** A JSON value. Do not change it later: it is encoded when the first connection sends it. */
  data: unknown
  /** The position from which a client resumes. */
  id?: string | number
}

/**
 * An event for clients. It does not depend on a transport, and caches the bytes of each one: an
 * event is encoded once per transport, however many connections send it.
 */
export class ServerEvent {
  readonly event: string
  readonly data: unknown
  readonly id: string | number | undefined
  #encoded: Map<Encoder, Uint8Array> | null = null

  constructor({ event, data, id }: EventFields) {
    this.event = event
    this.data = data
    this.id = id
  }

  /** Returns the bytes from `encoder`, which is called only the first time. */
  encodedBy(encoder: Encoder): Uint8Array {
    this.#encoded ??= new Map()
    const cached = this.#encoded.get(encoder)
    if (cached !== undefined) return cached
    const bytes = encoder(this)
    this.#encoded.set(encoder, bytes)
    return bytes
  }
}
