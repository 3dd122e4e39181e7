import type { Answer } from '../../lib/client/api'
import { AttemptFollower, type AttemptListener } from '../../lib/client/follow-attempt'
import type { Network } from '../../lib/client/transports/network'
import type { AttemptView } from '../../lib/core/attempt/views'

export const PENDING: AttemptView = { id: 'x', version: 1, status: 'pending', expiresInMs: 300_000 }
export const SCANNED: AttemptView = { ...PENDING, version: 2, status: 'scanned' }
export const ENDED: AttemptView = { ...PENDING, version: 3, status: 'cancelled', expiresInMs: 0 }

/** An `EventSource` whose events are dispatched by the test. */
class FakeStream extends EventTarget {
  isClosed = false

  close(): void {
    this.isClosed = true
  }

  receive(event: string, data: unknown): void {
    if (!this.isClosed) this.dispatchEvent(new MessageEvent(event, { data: JSON.stringify(data) }))
  }

  break(): void {
    if (!this.isClosed) this.dispatchEvent(new Event('error'))
  }
}

/** The server and the browser's network as the follower sees them. Records what it requests. */
export class FakeServer {
  /** The state that streams and requests receive unless a test replaces `onStream` or `respond`. */
  attempt = PENDING
  streams: FakeStream[] = []
  /** Called for each stream that is opened. */
  onStream: (stream: FakeStream) => void = (stream) => queueMicrotask(() => stream.receive('attempt', this.attempt))
  /** The response to a GET; `silent`: none until the request is aborted. */
  respond: (path: string) => Answer<AttemptView | null> | 'silent' = () => ({ ok: true, value: this.attempt })
  readonly requested: string[] = []
  readonly received: AttemptView[] = []
  readonly links: boolean[] = []
  readonly refused: string[] = []
  readonly codes: string[] = []

  readonly listener: AttemptListener = {
    onAttempt: (attempt) => this.received.push(attempt),
    onCode: (code) => this.codes.push(code.url),
    onLink: (isUp) => {
      if (this.links.at(-1) !== isUp) this.links.push(isUp)
    },
    onRefused: ({ code }) => this.refused.push(code),
  }

  readonly network: Network = {
    random: () => 0.5,
    openEvents: () => {
      const stream = new FakeStream()
      this.streams.push(stream)
      this.onStream(stream)
      return stream as unknown as EventSource
    },
    get: (path, { signal }) => {
      this.requested.push(path)
      const answer = this.respond(path)
      if (answer !== 'silent') return Promise.resolve(answer)
      return new Promise((resolve) => signal?.addEventListener('abort', () => resolve(LOST)))
    },
  }

  /** The newest stream. */
  get stream(): FakeStream {
    return this.streams.at(-1) as FakeStream
  }

  follow(isStale = false): AttemptFollower {
    return new AttemptFollower(PENDING, isStale, this.listener, this.network)
  }
}

/** The result of a request without a response. */
export const LOST: Answer<null> = {
  ok: false,
  code: 'network',
  retryAfterMs: null,
  requestId: null,
  attemptsLeft: null,
}
