// What the clients of a campaign sent and received: an append-only list. The checker judges it.

export type Kind =
  | ('start' | 'show' | 'scan' | 'match' | 'confirm' | 'cancel' | 'leave' | 'redeem')
  | ('session' | 'list' | 'signOut' | 'signOutFromPhone' | 'signOutAll')
  | ('notice' | 'silence')

/** What the client knew when it sent the request. Times in ms, as all times here. */
export interface Known {
  /** match: whether the number is the right one. */
  right?: boolean
  /** scan: whether the risk policy has to require the number. */
  matchDue?: boolean
  /** scan: when the computer received the code. */
  codeReadAt?: number
  /** scan: the code may be expired from here on. */
  codeGoneFrom?: number
  /** scan: the code is expired from here on. */
  codeGoneBy?: number
}

/** The contents of a response that the state table defines. */
export interface Facts {
  /** Of the attempt. */
  status?: string
  version?: number
  /** Whether the number is required. */
  required?: boolean
  attemptsLeft?: number
  /** The id of the session that began. */
  session?: string
  signedIn?: boolean
  /** The ids of the person's signed-in computers. */
  sessions?: string[]
  /** notice: what ended the session. */
  by?: string
}

export interface Operation {
  seq: number
  client: string
  kind: Kind
  /** Null where no response contained its id. */
  attempt: string | null
  /** The process that it was sent to. */
  instance: number
  known: Known
  /** ms on the monotonic clock of the campaign. */
  sentAt: number
  /** Null without a response. */
  answeredAt: number | null
  /** When the request failed without a response. */
  failedAt: number | null
  /** Of HTTP. */
  status: number | null
  /** Of the problem document. */
  code: string | null
  retryAfterS: number | null
  facts: Facts
  /** Why there was no response. */
  failure: 'refused' | 'reset' | 'timeout' | null
}

/** What was done to the service. */
export interface Fault {
  name: string
  from: number
  /** When the service could work again. */
  to: number
  /** A process died: requests in progress get no response. */
  kills?: boolean
  /** What was not replicated may be lost. */
  losesTail?: boolean
  /** The share of requests that may fail while it lasts; 1 if not given. */
  mostFailed?: number
  /** By how much a wall clock was changed. */
  stepMs?: number
}

export type Sent = Pick<Operation, 'client' | 'kind' | 'attempt' | 'instance' | 'known'>

export class History {
  readonly operations: Operation[] = []
  readonly faults: Fault[] = []
  /** Whether the store's clock counts, rather than that of a process whose clock is changed. */
  isClockShared = false

  /** Called when a request is sent, so that the list contains requests without a response. */
  open(sent: Sent, sentAt: number): Operation {
    const operation: Operation = {
      ...sent,
      seq: this.operations.length,
      sentAt,
      answeredAt: null,
      failedAt: null,
      status: null,
      code: null,
      retryAfterS: null,
      facts: {},
      failure: null,
    }
    this.operations.push(operation)
    return operation
  }

  /** An event that a stream received, or that it did not receive in time. */
  addFromStream(
    kind: 'notice' | 'silence',
    { facts, ...sent }: Pick<Operation, 'client' | 'attempt' | 'instance' | 'facts'>,
  ): void {
    const now = performance.now()
    Object.assign(this.open({ ...sent, kind, known: {} }, now), { answeredAt: now, facts })
  }

  addFault(fault: Fault): Fault {
    this.faults.push(fault)
    return fault
  }

  /** By attempt, in the order of sending. */
  byAttempt(): Map<string, Operation[]> {
    const attempts = new Map<string, Operation[]>()
    for (const operation of this.operations) {
      if (operation.attempt === null) continue
      const own = attempts.get(operation.attempt)
      if (own === undefined) attempts.set(operation.attempt, [operation])
      else own.push(operation)
    }
    for (const list of attempts.values()) list.sort((a, b) => a.sentAt - b.sentAt)
    return attempts
  }
}

/**
 * Whether the effect of the operation is unknown: it may have taken effect, at any time after it
 * was sent, or never. A 429 counts too, because it may replace a refusal.
 */
export function isUnknown({ kind, failure, status }: Operation): boolean {
  return failure !== null || status === null || status >= 500 || (status === 429 && kind !== 'redeem')
}

export function isGranted({ status }: Operation): boolean {
  return status !== null && status >= 200 && status < 300
}
