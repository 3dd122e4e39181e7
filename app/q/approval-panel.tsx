'use client'

import { useEffect, useState, useSyncExternalStore } from 'react'
import { Approval } from '@/lib/client/approval'
import type { Person } from '@/lib/core/account/person'
import { type DemoAccount, PhoneSignIn } from '../ui/phone-sign-in'
import { ApprovalView } from './approval-view'

interface Props {
  person: Person | null
  /** False if a foreign page may have opened this document. */
  isInitiatorTrusted: boolean
  accounts: DemoAccount[]
  host: string
}

/** State and effects of the phone's question. */
export function ApprovalPanel({ person, isInitiatorTrusted, accounts, host }: Props) {
  // Once: the props of a later request (another language) do not describe what opened the document.
  const [approval] = useState(() => new Approval({ isPhoneSignedIn: person !== null, isInitiatorTrusted }))
  const [signedIn, setSignedIn] = useState(person)
  const screen = useSyncExternalStore(approval.screen.subscribe, approval.screen.get, approval.screen.get)
  useEffect(() => approval.open(), [approval])

  function signIn(account: Person) {
    setSignedIn(account)
    approval.onSignedIn()
  }

  return (
    <ApprovalView
      screen={screen}
      person={signedIn}
      host={host}
      signIn={<PhoneSignIn accounts={accounts} onSignedIn={signIn} />}
      onContinue={() => approval.allowScan()}
      onApprove={() => void approval.approve()}
      onDecline={() => void approval.decline()}
      onSignOut={() => void approval.signOut()}
      onAgain={() => approval.retry()}
    />
  )
}
