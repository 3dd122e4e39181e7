'use client'

import { useState } from 'react'
import { call } from '@/lib/client/api'
import { findNew, findUnacknowledged } from '@/lib/client/notices'
import type { SessionView } from '@/lib/core/session/session'

interface Notices {
  /** The new computers. */
  noticed: SessionView[]
  /** "That was me". */
  dismiss: (id: string) => void
}

/** On a phone: an answer counts for all phones of the person. `sessions`: null until known. */
export function usePhoneNotices(sessions: SessionView[] | null): Notices {
  /** Answered here; the list may not contain the answer yet. */
  const [answered, setAnswered] = useState<ReadonlySet<string>>(new Set())

  async function acknowledge(id: string) {
    setAnswered((ids) => new Set(ids).add(id))
    const answer = await call('POST', `/api/sessions/${id}/acknowledge`)
    // Not recorded: show the notice again.
    if (!answer.ok) setAnswered((ids) => new Set([...ids].filter((other) => other !== id)))
  }

  const unacknowledged = findUnacknowledged(sessions ?? [], Date.now())
  return {
    noticed: unacknowledged.filter(({ id }) => !answered.has(id)),
    dismiss: (id) => void acknowledge(id),
  }
}

/** On a computer: sign-ins since the page was opened. In memory only: no account data is stored. */
export function useComputerNotices(sessions: SessionView[] | null): Notices {
  const [known, setKnown] = useState<ReadonlySet<string> | null>(null)
  if (sessions !== null && known === null) setKnown(new Set(sessions.map(({ id }) => id)))
  return {
    noticed: known === null ? [] : findNew(sessions ?? [], known),
    dismiss: (id) => setKnown((ids) => new Set(ids).add(id)),
  }
}
