import { listDemoPeople } from '@/lib/accounts/demo'
import { services } from '@/lib/server/create-server'
import type { DemoAccount } from './phone-sign-in'

/** The accounts that anybody may pick; none where the demo is off. */
export function listDemoAccounts(): DemoAccount[] {
  if (!services().config.demoAccounts) return []
  return listDemoPeople().map(({ username, name, avatarUrl }) => ({ username, name, avatarUrl }))
}
