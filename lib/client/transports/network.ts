import type { AttemptView } from '../../core/attempt/views'
import { call } from '../api'
import { eventStream } from './event-stream'
import { type GetAttempt, longPoll } from './long-poll'
import { poll } from './poll'
import type { Transport } from './transport'

/** The parts of the browser that following an attempt uses. Tests pass their own. */
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

/** In order of preference. */
export function createTransports({ get, openEvents }: Network): readonly Transport[] {
  return [eventStream(openEvents), longPoll(get), poll]
}
