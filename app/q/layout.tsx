import type { ReactNode } from 'react'
import { Handset } from '../ui/handset'

export default function ApprovalLayout({ children }: { children: ReactNode }) {
  return <Handset>{children}</Handset>
}
