import type { ComputerSession } from '../session/session'
import type { Change, EndedSession } from '../store'
import type { RequestingApp } from './app'
import type { Redeemed } from './attempt'

/** What a redeem leads to. */
export interface RedeemResult {
  /** As it stands in the record. */
  sessionId: string
  /** Null for a repeat: it began before. */
  begun: ComputerSession | null
  /** What was signed in to. Null: our own home page. */
  app: RequestingApp | null
  /** The sessions that ended with it. */
  ended: readonly EndedSession[]
}

/** A redeemed session to sign out, and its browser. */
export interface SessionToRevoke {
  sessionId: string
  browserHash: string
}

/** A try to redeem an attempt. */
export interface RedeemRequest {
  id: string
  browserHash: string
  ticket: string
  begin: (attempt: Redeemed) => NonNullable<Change['begins']>
}
