'use client'

import { useState } from 'react'
import { call, type Refused } from '@/lib/client/api'
import { createPasskey } from '@/lib/client/passkey-browser'
import { addPasskey } from '@/lib/client/passkey-requests'
import type { PasskeyView } from '@/lib/core/account/passkey'
import { useReloaded } from './use-reloaded'

/** Why the last step failed. */
export type PasskeyProblem = 'limit' | 'last' | 'wrong' | 'exists' | 'network' | 'failed'

export interface Passkeys {
  /** Null until they are known. */
  passkeys: PasskeyView[] | null
  /** A step has not been answered yet. */
  isBusy: boolean
  problem: PasskeyProblem | null
  reload: () => Promise<void>
  add: () => Promise<void>
  rename: (id: string, name: string) => Promise<void>
  remove: (id: string) => Promise<void>
}

/** `not_found`: the list is loaded again anyway. */
const PROBLEMS: Partial<Record<Refused['code'], PasskeyProblem | null>> = {
  passkey_limit: 'limit',
  passkey_last: 'last',
  passkey_wrong: 'wrong',
  network: 'network',
  not_found: null,
}

function problemOf({ code }: Refused): PasskeyProblem | null {
  const problem = PROBLEMS[code]
  return problem === undefined ? 'failed' : problem
}

/**
 * The person's passkeys, loaded again when the page becomes visible. `before`: null if unknown.
 * `isOn`: whether the server has passkeys.
 */
export function usePasskeys(before: PasskeyView[] | null, isOn: boolean): Passkeys {
  const { value, load: reload } = useReloaded<{ passkeys: PasskeyView[] }>(
    '/api/passkeys',
    before && { passkeys: before },
    isOn,
  )
  const [isBusy, setBusy] = useState(false)
  const [problem, setProblem] = useState<PasskeyProblem | null>(null)

  async function run(step: () => Promise<PasskeyProblem | null>) {
    setBusy(true)
    setProblem(null)
    setProblem(await step())
    await reload()
    setBusy(false)
  }

  const add = () =>
    run(async () => {
      const answer = await addPasskey(call, createPasskey)
      if (answer === 'cancelled') return null
      if (typeof answer === 'string') return answer
      return answer.ok ? null : problemOf(answer)
    })
  const rename = (id: string, name: string) =>
    run(async () => {
      const answer = await call('PATCH', `/api/passkeys/${id}`, { body: { name } })
      return answer.ok ? null : problemOf(answer)
    })
  const remove = (id: string) =>
    run(async () => {
      const answer = await call('DELETE', `/api/passkeys/${id}`)
      return answer.ok ? null : problemOf(answer)
    })
  return { passkeys: value?.passkeys ?? null, isBusy, problem, reload, add, rename, remove }
}
