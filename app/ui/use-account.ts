'use client'

import { useCallback, useEffect, useRef, useState } from 'react'
import { followAccount } from '@/lib/client/follow-account'
import { NewComputers } from '@/lib/client/new-computers'
import type { SessionView } from '@/lib/session/session'

interface Account {
  /** Null until the first list has come. */
  sessions: SessionView[] | null
  /** The computers that are news to this page. */
  noticed: SessionView[]
  dismiss: (id: string) => void
}

/** The signed-in computers of the account that this page is signed in to, as they are now. `onSignedOut` stays the same. */
export function useAccount(as: 'phone' | 'computer', onSignedOut: () => void): Account {
  const [sessions, setSessions] = useState<SessionView[] | null>(null)
  const [noticed, setNoticed] = useState<SessionView[]>([])
  const computers = useRef<NewComputers | null>(null)

  useEffect(() => {
    const news = new NewComputers()
    computers.current = news
    return followAccount(as, {
      onSessions: (list) => {
        setSessions(list)
        setNoticed(news.update(list))
      },
      onSignedOut,
    })
  }, [as, onSignedOut])

  const dismiss = useCallback((id: string) => {
    computers.current?.dismiss(id)
    setNoticed((old) => old.filter((session) => session.id !== id))
  }, [])
  return { sessions, noticed, dismiss }
}
