import { listDemoPeople } from '@/lib/accounts/demo'
import { qrLogin } from '@/lib/server/shared'
import type { DemoAccount } from './phone-sign-in'

/** The demo accounts; empty if the demo is off. */
export function listDemoAccounts(): DemoAccount[] {
  if (!qrLogin().context.config.demoAccounts) return []
  return listDemoPeople().map(({ username, name, avatarUrl }) => ({ username, name, avatarUrl }))
}
