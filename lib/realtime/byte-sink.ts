/** Receives the bytes of one connection: a web stream, or a Node response. */
export interface ByteSink {
  /** Returns false if the client has not read for too long, or has disconnected. Never throws. */
  write(bytes: Uint8Array): boolean
  /** Ends the response. May be called more than once. */
  close(): void
}

/**
 * A client is disconnected if it has this many unread bytes when the next event is sent. A single
 * event may be larger.
 */
export const BACKLOG_BYTES = 16 * 1024
