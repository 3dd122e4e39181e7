/** Where the bytes of one connection go: a web stream, or a raw response. */
export interface ByteSink {
  /** False when the client has not read for so long that it is to be cut off. Never throws. */
  write(bytes: Uint8Array): boolean
  /** Ends the response. May be called more than once. */
  close(): void
}

/**
 * A client that has left this much unread when the next event comes is cut off. One event alone may
 * be larger.
 */
export const BACKLOG_BYTES = 16 * 1024
