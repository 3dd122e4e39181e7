// What must never happen: each rule names one promise, and reports nothing where the history is
// inconclusive.
import { type Fault, isGranted, type Operation } from './history'

export interface Circumstances {
  faults: Fault[]
  isClockShared: boolean
  /** By how much the machine itself can have delayed responses between two moments. */
  slownessMs: (from: number, to: number) => number
}

/** Returns the operations that violate it. */
type Rule = (operations: Operation[], circumstances: Circumstances) => Operation[]

/** A span of time, in ms. */
export type Span = readonly [from: number, to: number]

const RESPONSE_MS = 1_000
/** For so long after the end of a fault the service may still be unavailable. */
const BACK_MS = 3_000
/** The store has a deadline of 500 ms: a machine that used most of it may cause a 503. */
const SLOW_MS = 400
const CONFIRM_MIN_MS = 700
const REDEEM_REPEAT_MS = 10_000
/** A step of the clock may take effect this much later. */
const STEP_DELAY_MS = 1_000
const SLACK_MS = 1_000
const WINDOW_MS = 60_000
const STARTS_OF_A_BROWSER = 6

function isPhoneEnding({ kind }: Operation): boolean {
  return kind === 'signOutFromPhone' || kind === 'signOutAll'
}

/** A sign-out, or "Wasn't you?" after the sign-in. */
function isSignOut(operation: Operation): boolean {
  return operation.kind === 'signOut' || isPhoneEnding(operation) || operation.facts.status === 'revoked'
}

function isCancel({ kind, status, facts }: Operation): boolean {
  return (kind === 'cancel' && status === 200 && facts.status === 'cancelled') || (kind === 'leave' && status === 204)
}

/** Whether the response shows the session. */
function isSignedIn({ status, facts }: Operation): boolean {
  return status === 200 && (facts.signedIn === true || (facts.sessions?.length ?? 0) > 0)
}

function isSignedOut({ status, facts }: Operation): boolean {
  return status === 200 && (facts.signedIn === false || facts.sessions?.length === 0)
}

function isAfter(earlier: Operation, later: Operation): boolean {
  return earlier.answeredAt !== null && later.sentAt > earlier.answeredAt
}

function isBetween(fault: Fault, from: number, to: number): boolean {
  return fault.from <= to && fault.to + STEP_DELAY_MS >= from
}

/** A process that died, or has just restarted and receives the requests of all clients at once. */
function isKilledBetween({ faults }: Circumstances, from: number, to: number): boolean {
  return faults.some((fault) => fault.kills === true && fault.from <= to && fault.to + BACK_MS >= from)
}

function isTailLostBetween({ faults }: Circumstances, from: number, to: number): boolean {
  return faults.some((fault) => fault.losesTail === true && isBetween(fault, from, to))
}

function isSteppedBetween({ faults }: Circumstances, from: number, to: number): boolean {
  return faults.some((fault) => fault.stepMs !== undefined && isBetween(fault, from, to))
}

/**
 * Whether no change of a clock can affect the time measured from the first span, in which something
 * began, to the second, in which it is read. Where the store's clock counts, another clock that was
 * changed in between and is right again has no effect.
 */
export function isTimeSure(circumstances: Circumstances, began: Span, seen: Span): boolean {
  if (!circumstances.isClockShared) return !isSteppedBetween(circumstances, began[0], seen[1])
  return !isSteppedBetween(circumstances, ...began) && !isSteppedBetween(circumstances, ...seen)
}

/** About single responses. */
export const RULES_OF_RESPONSES: Readonly<Record<string, Rule>> = {
  'internal error': (operations) =>
    operations.filter(({ status }) => status !== null && status >= 500 && status !== 503),

  'late response': (operations, circumstances) =>
    operations.filter(({ sentAt, answeredAt }) => {
      if (answeredAt === null || isKilledBetween(circumstances, sentAt, answeredAt)) return false
      return answeredAt - sentAt > RESPONSE_MS + circumstances.slownessMs(sentAt, answeredAt)
    }),

  // A connection may only fail with the process that it is connected to.
  'no response': (operations, circumstances) =>
    operations.filter(({ failure, sentAt, failedAt }) => {
      return failure !== null && !isKilledBetween(circumstances, sentAt, failedAt ?? sentAt)
    }),

  'unavailable without a fault': (operations, { faults, slownessMs }) =>
    operations.filter(({ kind, status, sentAt, answeredAt }) => {
      // Admission control may refuse a read of the state.
      if (status !== 503 || kind === 'show') return false
      const to = answeredAt ?? sentAt
      if (faults.some((fault) => fault.from <= to && fault.to + BACK_MS >= sentAt)) return false
      return slownessMs(sentAt - RESPONSE_MS, to) < SLOW_MS
    }),

  'more failed than the fault explains': (operations, { faults }) =>
    faults.flatMap(({ from, to, mostFailed = 1 }) => {
      const sent = operations.filter(({ sentAt }) => sentAt >= from && sentAt <= to)
      const failed = sent.filter(({ status }) => status === null || status >= 500)
      return failed.length > mostFailed * sent.length ? failed.slice(0, 1) : []
    }),

  'retry delay longer than its window': (operations) =>
    operations.filter(({ kind, status, retryAfterS }) => {
      const most = status === 503 ? 25 : WINDOW_MS / 1_000
      return retryAfterS !== null && ['start', 'scan', 'confirm', 'redeem', 'show'].includes(kind) && retryAfterS > most
    }),

  'limit exceeded': (operations, circumstances) => {
    const browsers = new Map<string, Operation[]>()
    for (const operation of operations) {
      if (operation.kind !== 'start' || !isGranted(operation)) continue
      browsers.set(operation.client, [...(browsers.get(operation.client) ?? []), operation])
    }
    return [...browsers.values()].flatMap((starts) =>
      starts.filter((first) => {
        const end = first.sentAt + WINDOW_MS
        if (isTailLostBetween(circumstances, first.sentAt, end)) return false
        if (isSteppedBetween(circumstances, first.sentAt, end)) return false
        // At most two windows overlap a minute.
        const counted = starts.filter(({ sentAt, answeredAt }) => sentAt >= first.sentAt && (answeredAt ?? 0) < end)
        return counted.length > 2 * STARTS_OF_A_BROWSER
      }),
    )
  },
}

/** About one attempt; the operations are in the order of sending. */
export const RULES_OF_ATTEMPTS = {
  'two scanners': (operations, circumstances) => {
    const scans = operations.filter((each) => each.kind === 'scan' && isGranted(each))
    const [first] = scans
    if (first === undefined) return []
    const others = scans.filter(({ client, answeredAt }) => {
      return client !== first.client && !isTailLostBetween(circumstances, first.sentAt, answeredAt ?? 0)
    })
    return others.length === 0 ? [] : [first, ...others]
  },

  'confirmed by another phone': (operations) => {
    const scanners = new Set(operations.filter(({ kind }) => kind === 'scan').map(({ client }) => client))
    return operations.filter((each) => each.kind === 'confirm' && isGranted(each) && !scanners.has(each.client))
  },

  'confirmed without the number': (operations) => {
    const confirms = operations.filter((each) => each.kind === 'confirm' && isGranted(each))
    const isDue = operations.some((each) => each.kind === 'scan' && isGranted(each) && each.facts.required === true)
    return confirms.filter(({ answeredAt }) => {
      const typed = operations.some(
        ({ kind, known, sentAt }) => kind === 'match' && known.right === true && sentAt < (answeredAt ?? 0),
      )
      return isDue && !typed
    })
  },

  'confirmed too soon': (operations, circumstances) => {
    const first = operations.find(({ kind, failure }) => kind === 'scan' && failure !== 'refused')
    return operations.filter((each) => {
      if (each.kind !== 'confirm' || !isGranted(each) || first === undefined || each.answeredAt === null) return false
      const isSure = !isSteppedBetween(circumstances, first.sentAt, each.answeredAt)
      return isSure && each.answeredAt - first.sentAt < CONFIRM_MIN_MS
    })
  },

  'cancel undone': (operations) => {
    const cancels = operations.filter(isCancel)
    return operations.filter((each) => {
      const isStep = ['scan', 'match', 'confirm', 'redeem'].includes(each.kind) && isGranted(each)
      const isRunning = ['pending', 'scanned', 'confirmed'].includes(each.facts.status ?? '')
      return (isStep || isRunning) && cancels.some((cancel) => isAfter(cancel, each))
    })
  },

  'second session': (operations, circumstances) => {
    const redeems = operations.filter((each) => each.kind === 'redeem' && isGranted(each))
    const [first] = redeems
    const tooMany = operations.filter(({ facts }) => (facts.sessions?.length ?? 0) > 1)
    if (first === undefined) return tooMany
    const again = redeems.filter((each) => {
      if (each.facts.session !== first.facts.session) return true
      const end = (first.answeredAt ?? 0) + REDEEM_REPEAT_MS + SLACK_MS
      if (isTailLostBetween(circumstances, first.sentAt, each.sentAt)) return false
      return each.sentAt > end && !isSteppedBetween(circumstances, first.sentAt, each.sentAt)
    })
    return again.length === 0 ? tooMany : [first, ...again, ...tooMany]
  },

  'session works after its sign-out': (operations) => {
    const ends = operations.filter((each) => isSignOut(each) && isGranted(each))
    return operations.filter((each) => isSignedIn(each) && ends.some((end) => isAfter(end, each)))
  },

  'sign-in lost': (operations, circumstances) => {
    const redeem = operations.find((each) => each.kind === 'redeem' && isGranted(each))
    // A request that ends it may have taken effect, with or without a response.
    const isEnded = operations.some(({ kind }) =>
      ['signOut', 'signOutFromPhone', 'signOutAll', 'cancel'].includes(kind),
    )
    if (redeem === undefined || isEnded) return []
    return operations.filter((each) => {
      const to = each.answeredAt ?? 0
      if (isTailLostBetween(circumstances, redeem.sentAt, to)) return false
      if (!isTimeSure(circumstances, [redeem.sentAt, redeem.answeredAt ?? to], [each.sentAt, to])) return false
      return isSignedOut(each) && isAfter(redeem, each)
    })
  },

  'session begun after a sign-out everywhere': (operations) => {
    const scan = operations.find((each) => each.kind === 'scan' && isGranted(each))
    return operations.filter((each) => {
      if (each.kind !== 'redeem' || !isGranted(each) || scan === undefined) return false
      const end = operations.find((one) => one.kind === 'signOutAll' && isGranted(one) && isAfter(one, each))
      // An earlier one may have begun the session: then this one is a repeat.
      const isFirst = operations.every((one) => one.kind !== 'redeem' || one.seq >= each.seq)
      return end !== undefined && isAfter(scan, end) && isFirst
    })
  },

  'false notice of a sign-out': (operations) => {
    const isEnded = operations.some((each) => isSignOut(each) || each.kind === 'cancel')
    return isEnded ? [] : operations.filter(({ kind }) => kind === 'notice')
  },

  'stream went silent': (operations) => operations.filter(({ kind }) => kind === 'silence'),

  'version went back': (operations, circumstances) => {
    const seen = operations.filter(({ facts, answeredAt }) => facts.version !== undefined && answeredAt !== null)
    return seen.filter((later) =>
      seen.some((earlier) => {
        if (!isAfter(earlier, later) || (earlier.facts.version ?? 0) <= (later.facts.version ?? 0)) return false
        const to = later.answeredAt ?? 0
        return (
          !isTailLostBetween(circumstances, earlier.sentAt, to) && !isSteppedBetween(circumstances, earlier.sentAt, to)
        )
      }),
    )
  },

  'expired code scanned': (operations, { faults }) => {
    const first = operations.find(({ kind, status, known: { codeReadAt, codeGoneBy }, sentAt }) => {
      if (kind !== 'scan' || status !== 200 || codeReadAt === undefined || codeGoneBy === undefined) return false
      // A step by a day makes no code valid again; after one of some seconds the service cannot
      // distinguish.
      const isNear = ({ stepMs = 0 }: Fault) => stepMs !== 0 && Math.abs(stepMs) < WINDOW_MS
      return (
        sentAt > codeGoneBy + SLACK_MS && !faults.some((each) => isNear(each) && isBetween(each, codeReadAt, sentAt))
      )
    })
    // The phone that scanned it in time may repeat.
    const earlier = operations.some(({ kind, client, seq }) => {
      return kind === 'scan' && first !== undefined && client === first.client && seq < first.seq
    })
    return first === undefined || earlier ? [] : [first]
  },

  'valid code refused': (operations, circumstances) =>
    operations.filter(({ kind, code, known: { codeReadAt, codeGoneFrom }, answeredAt }) => {
      if (kind !== 'scan' || code !== 'code_expired' || codeReadAt === undefined || codeGoneFrom === undefined)
        return false
      if (answeredAt === null || answeredAt > codeGoneFrom - SLACK_MS) return false
      return !isSteppedBetween(circumstances, codeReadAt, answeredAt)
    }),
} satisfies Readonly<Record<string, Rule>>
