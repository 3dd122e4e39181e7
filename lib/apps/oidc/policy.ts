import { interactionPolicy } from 'oidc-provider'
import type { Client } from '../clients'

const { base, Check, Prompt } = interactionPolicy

/**
 * When an app's request needs the person: where nobody is signed in, where the app asks for a new
 * sign-in, and where the person has not agreed to what an app of a third party asks for. Agreeing
 * to the sign-in on the phone is both.
 */
export function createPolicy(findClient: (id: string) => Client | null) {
  const policy = base()
  const consent = policy.get('consent')
  const missing = consent?.checks.get('op_scopes_missing')
  const native = consent?.checks.get('native_client_prompt')
  if (missing === undefined || native === undefined) throw new Error('oidc-provider has other checks of consent')
  const isThirdParty = (id: string) => findClient(id)?.first_party !== true
  const asked = new Check('consent_prompt', 'consent prompt was not resolved', 'consent_required', ({ oidc }) => {
    const { client, prompts } = oidc
    return (
      client !== undefined && isThirdParty(client.clientId) && prompts.has('consent') && oidc.promptPending('consent')
    )
  })
  policy.remove('consent')
  policy.add(new Prompt({ name: 'consent', requestable: true }, missing, native))
  const added = policy.get('consent')
  // The first check of a requestable prompt asks everybody.
  added?.checks.remove('consent_prompt')
  added?.checks.add(asked)
  return policy
}
