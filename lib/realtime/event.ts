/** Makes bytes of an event, as one transport has them. */
export type Encoder = (event: ServerEvent) => Uint8Array

interface EventFields {
  event: string
  /**
   * What JSON can hold. Not to be changed later: it is encoded when the first connection sends it.
   */
  data: unknown
  /** Where a client resumes. */
  id?: string | number
}

/**
 * What is published to clients. It knows no transport, and remembers what each has encoded: an
 * event is encoded once for each transport, however many connections send it.
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

  /** The bytes that `encoder` makes of it. It is called the first time only. */
  encodedBy(encoder: Encoder): Uint8Array {
    this.#encoded ??= new Map()
    const known = this.#encoded.get(encoder)
    if (known !== undefined) return known
    const bytes = encoder(this)
    this.#encoded.set(encoder, bytes)
    return bytes
  }
}
