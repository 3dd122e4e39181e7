import type { AttemptView } from '../../core/attempt/views'
import { call } from '../api'
import { eventStream } from './event-stream'
import { type GetAttempt, longPoll } from './long-poll'
import { poll } from './poll'
import type { Transport } from './transport'

/** What following an attempt needs of a browser; tests bring their own. */
export interface Network {
  get: GetAttempt
  openEvents: (path: string) => EventSource
  /** In [0, 1). */
  random: () => number
}

export const browserNetwork: Network = {
  get: (path, options) => call<AttemptView | null>('GET', path, options),
  openEvents: (path) => new EventSource(path),
  random: Math.random,
}

/** The transports, best first. */
export function createLadder({ get, openEvents }: Network): readonly Transport[] {
  return [eventStream(openEvents), longPoll(get), poll]
}
