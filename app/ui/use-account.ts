'use client'

import { useEffect, useState } from 'react'
import { followAccount } from '@/lib/client/follow-account'
import type { EndedBy, SessionView } from '@/lib/core/session/session'

/**
 * The signed-in computers of the account that this page is signed in to; null until they are known.
 * `onSignedOut` must have a stable identity. `before`: the list when the page was opened, if known.
 */
export function useAccount(
  as: 'phone' | 'computer',
  onSignedOut: (by: EndedBy | null) => void,
  before: SessionView[] | null = null,
): SessionView[] | null {
  const [sessions, setSessions] = useState(before)
  useEffect(() => followAccount(as, { onSessions: setSessions, onSignedOut }), [as, onSignedOut])
  return sessions
}
