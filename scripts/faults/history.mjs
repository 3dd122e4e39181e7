// What the clients of a campaign did: an append-only list. It judges nothing.

/**
 * @typedef {'start' | 'show' | 'scan' | 'match' | 'confirm' | 'cancel' | 'leave' | 'redeem'
 *   | 'session' | 'list' | 'signOut' | 'signOutFromPhone' | 'signOutAll' | 'notice' | 'silence'}
 * Kind
 *
 * What the client knew when it sent the request.
 * @typedef {object} Asked
 * @property {boolean} [right] match: whether the number is the right one
 * @property {boolean} [matchDue] scan: whether the risk policy has to ask for the number
 * @property {number} [codeReadAt] scan: when the computer learned the code
 * @property {number} [codeGoneFrom] scan: the code may be dead from here on (ms, as all times here)
 * @property {number} [codeGoneBy] scan: the code is dead from here on
 *
 * What an answer said, as far as the state table speaks of it.
 * @typedef {object} Facts
 * @property {string} [status] of the attempt
 * @property {number} [version]
 * @property {boolean} [required] whether the number is asked for
 * @property {number} [attemptsLeft]
 * @property {string} [session] the id of the session that began
 * @property {boolean} [signedIn]
 * @property {string[]} [sessions] the ids of the person's signed-in computers
 * @property {string} [by] notice: who ended the session
 *
 * @typedef {object} Operation
 * @property {number} seq
 * @property {string} client
 * @property {Kind} kind
 * @property {string | null} attempt null where its id was never learned
 * @property {number} instance which process it was sent to
 * @property {Asked} asked
 * @property {number} sentAt ms on the monotonic clock of the campaign
 * @property {number | null} answeredAt null: there was no answer
 * @property {number | null} failedAt when it was clear that there would be none
 * @property {number | null} status of HTTP
 * @property {string | null} code of the problem document
 * @property {number | null} retryAfterS
 * @property {Facts} facts
 * @property {'refused' | 'reset' | 'timeout' | null} failure why there was no answer
 *
 * What was done to the service.
 * @typedef {object} Fault
 * @property {string} name
 * @property {number} from
 * @property {number} to when the service could work again
 * @property {boolean} [kills] a process died: requests under way get no answer
 * @property {boolean} [losesTail] what was not replicated may be lost
 * @property {number} [mostFailed] the share of requests that may fail while it lasts; 1 if not
 * given
 * @property {number} [stepMs] by how much a wall clock was changed
 */

export class History {
  constructor() {
    /** @type {Operation[]} */
    this.operations = []
    /** @type {Fault[]} */
    this.faults = []
    /**
     * Whether the time that counts is that of the store, and not that of a process whose clock is
     * changed.
     */
    this.isClockShared = false
  }

  /**
   * Called when a request is sent, so that one that is never answered is there too.
   * @param {Pick<Operation, 'client' | 'kind' | 'attempt' | 'instance' | 'asked'>} what
   * @param {number} sentAt
   * @returns {Operation}
   */
  open(what, sentAt) {
    /** @type {Operation} */
    const operation = {
      ...what,
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

  /**
   * Something that a stream said, or did not say.
   * @param {'notice' | 'silence'} kind
   * @param {Pick<Operation, 'client' | 'attempt' | 'instance' | 'facts'>} what
   */
  hear(kind, { facts, ...what }) {
    const now = performance.now()
    Object.assign(this.open({ ...what, kind, asked: {} }, now), { answeredAt: now, facts })
  }

  /** @param {Fault} fault */
  note(fault) {
    this.faults.push(fault)
    return fault
  }

  /** @returns {Map<string, Operation[]>} by attempt, in the order of sending */
  byAttempt() {
    /** @type {Map<string, Operation[]>} */
    const attempts = new Map()
    for (const operation of this.operations) {
      if (operation.attempt === null) continue
      const known = attempts.get(operation.attempt)
      if (known === undefined) attempts.set(operation.attempt, [operation])
      else known.push(operation)
    }
    for (const list of attempts.values()) list.sort((a, b) => a.sentAt - b.sentAt)
    return attempts
  }
}

/**
 * Whether it is unknown what the operation did: it may have taken effect, at any time after it was
 * sent, or never. A 429 counts as such too, for it may stand in the place of a refusal.
 * @param {Operation} operation
 */
export function isUnknown({ kind, failure, status }) {
  return failure !== null || status === null || status >= 500 || (status === 429 && kind !== 'redeem')
}

/** @param {Operation} operation */
export function isGranted({ status }) {
  return status !== null && status >= 200 && status < 300
}
