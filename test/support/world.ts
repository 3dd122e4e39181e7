import type { Answer } from '../../lib/client/api'
import { AttemptFollower, type AttemptListener } from '../../lib/client/follow-attempt'
import type { Network } from '../../lib/client/transports/ladder'
import type { AttemptView } from '../../lib/core/attempt/views'

export const PENDING: AttemptView = { id: 'x', version: 1, status: 'pending', expiresInMs: 300_000 }
export const SCANNED: AttemptView = { ...PENDING, version: 2, status: 'scanned' }
export const ENDED: AttemptView = { ...PENDING, version: 3, status: 'cancelled', expiresInMs: 0 }

/** An `EventSource` that receives what the test sends. */
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

/** A server as the follower sees it: what it answers, and what was requested. */
export class World {
  now = PENDING
  streams: FakeStream[] = []
  /** What a stream does once it is open. */
  onStream: (stream: FakeStream) => void = (stream) => queueMicrotask(() => stream.receive('attempt', this.now))
  answer: (path: string) => Answer<AttemptView | null> | 'silent' = () => ({ ok: true, value: this.now })
  readonly requested: string[] = []
  readonly seen: AttemptView[] = []
  readonly links: boolean[] = []
  readonly refused: string[] = []
  readonly codes: string[] = []

  readonly listener: AttemptListener = {
    onAttempt: (attempt) => this.seen.push(attempt),
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
      const answer = this.answer(path)
      if (answer !== 'silent') return Promise.resolve(answer)
      return new Promise((resolve) => signal?.addEventListener('abort', () => resolve(LOST)))
    },
  }

  get stream(): FakeStream {
    return this.streams.at(-1) as FakeStream
  }

  follow(isStale = false): AttemptFollower {
    return new AttemptFollower(PENDING, isStale, this.listener, this.network)
  }
}

export const LOST: Answer<null> = {
  ok: false,
  code: 'network',
  retryAfterMs: null,
  requestId: null,
  attemptsLeft: null,
}
