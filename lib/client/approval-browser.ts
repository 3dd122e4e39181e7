import { call } from './api'
import { followAccount } from './follow-account'
import { canUsePasskeys, createPasskey, preloadPasskeys, signWithPasskey } from './passkey-browser'
import { mayActUnprompted } from './unprompted'

/** The parts of the browser that `Approval` uses. Tests pass their own. */
export interface ApprovalBrowser {
  call: typeof call
  followAccount: typeof followAccount
  mayActUnprompted: typeof mayActUnprompted
  canUsePasskeys: typeof canUsePasskeys
  preloadPasskeys: typeof preloadPasskeys
  createPasskey: typeof createPasskey
  signWithPasskey: typeof signWithPasskey
  readHash: () => string
  /** Replaces the fragment of the address. Fires no `hashchange` event. */
  writeHash: (hash: string) => void
  /** Returns the function that removes the listener. */
  onHashChange: (listener: () => void) => () => void
}

export const currentBrowser: ApprovalBrowser = {
  call,
  followAccount,
  mayActUnprompted,
  canUsePasskeys,
  preloadPasskeys,
  createPasskey,
  signWithPasskey,
  readHash: () => location.hash,
  writeHash: (hash) => history.replaceState(history.state, '', location.pathname + hash),
  onHashChange: (listener) => {
    window.addEventListener('hashchange', listener)
    return () => window.removeEventListener('hashchange', listener)
  },
}
