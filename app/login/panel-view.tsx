import type { Ref } from 'react'
import type { ShownTime, SignInScreen } from '@/lib/client/sign-in-screen'
import { Caption, type CaptionProps } from './caption'
import styles from './panel-view.module.css'
import { Ring } from './ring'
import { Tile, type TileProps } from './tile'

interface Props extends TileProps, CaptionProps {
  ref?: Ref<HTMLDivElement>
}

/** One state: the frame with ring and tile, and the caption below it. Pure. */
export function PanelView({ ref, ...props }: Props) {
  const { screen } = props
  return (
    <div ref={ref} className={styles.panel} data-testid="qr-panel" data-state={screen.state}>
      <div className={styles.frame}>
        <Ring time={timeOf(screen)} isFull={screen.state === 'confirmed' || screen.state === 'already'} />
        <Tile {...props} />
      </div>
      <Caption {...props} />
    </div>
  )
}

function timeOf(screen: SignInScreen): ShownTime | null {
  if (screen.state === 'ready' || screen.state === 'reconnecting') return screen.code
  if (screen.state === 'short_code') return screen.shortCode
  return 'time' in screen ? screen.time : null
}
