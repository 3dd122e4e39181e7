import { listDemoPeople } from '@/lib/auth/people'
import { services } from '@/lib/services'
import type { DemoAccount } from './phone-sign-in'

/** The accounts that anybody may pick; none where the demo is off. */
export function listDemoAccounts(): DemoAccount[] {
  if (!services().config.demoAccounts) return []
  return listDemoPeople().map(({ username, name, avatarUrl }) => ({ username, name, avatarUrl }))
}
