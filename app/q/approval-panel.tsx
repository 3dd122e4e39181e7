'use client'

import { useEffect, useState, useSyncExternalStore } from 'react'
import { Approval } from '@/lib/client/approval'
import type { ShownPerson } from '@/lib/core/account/person'
import { PhoneSignIn, type SignInSources } from '../ui/phone-sign-in'
import { useLastPerson } from '../ui/use-last-person'
import { ApprovalView } from './approval-view'

interface Props {
  person: ShownPerson | null
  /** False if a foreign page may have opened this document. */
  isInitiatorTrusted: boolean
  sources: SignInSources
  host: string
}

/** State and effects of the phone's question. */
export function ApprovalPanel({ person, isInitiatorTrusted, sources, host }: Props) {
  // Once: the props of a later request (another language) do not describe what opened the document.
  const [approval] = useState(() => new Approval({ isPhoneSignedIn: person !== null, isInitiatorTrusted }))
  const [signedIn, setSignedIn] = useState(person)
  const last = useLastPerson(signedIn)
  const screen = useSyncExternalStore(approval.screen.subscribe, approval.screen.get, approval.screen.get)
  useEffect(() => approval.open(), [approval])

  function signIn(account: ShownPerson) {
    setSignedIn(account)
    approval.onSignedIn()
  }

  return (
    <ApprovalView
      screen={screen}
      person={signedIn}
      host={host}
      signIn={
        <PhoneSignIn sources={sources} last={last} onSignedIn={signIn} beforeLeaving={() => approval.untilHeld()} />
      }
      onContinue={() => approval.allowScan()}
      onTypeCode={(typed) => approval.typeCode(typed)}
      onApprove={() => void approval.approve()}
      onDecline={() => void approval.decline()}
      onAddPasskey={() => void approval.addPasskey()}
      onSignOut={() => void approval.signOut()}
      onAgain={() => approval.retry()}
    />
  )
}
