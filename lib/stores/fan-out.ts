import type { Unwatch } from '../core/store'

/**
 * In-process listeners by topic. If a listener throws, the other listeners still receive the
 * message, and `publish` does not throw.
 */
export class FanOut<Message> {
  readonly #topics = new Map<string, Set<(message: Message) => void>>()
  readonly #onError: (error: unknown) => void

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError
  }

  watch(topic: string, listener: (message: Message) => void): Unwatch {
    const listeners = this.#topics.get(topic) ?? new Set()
    this.#topics.set(topic, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0 && this.#topics.get(topic) === listeners) this.#topics.delete(topic)
    }
  }

  publish(topic: string, message: Message): void {
    for (const listener of [...(this.#topics.get(topic) ?? [])]) {
      try {
        listener(message)
      } catch (error) {
        this.#onError(error)
      }
    }
  }

  /** The number of topics with listeners. */
  get size(): number {
    return this.#topics.size
  }
}
