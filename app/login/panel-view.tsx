import type { Ref } from 'react'
import type { ShownTime, SignInScreen } from '@/lib/client/sign-in-screen'
import { Caption, type CaptionProps } from './caption'
import styles from './login.module.css'
import { Ring } from './ring'
import { Tile, type TileProps } from './tile'

interface Props extends TileProps, CaptionProps {
  ref?: Ref<HTMLDivElement>
}

/** What one state shows: inside the frame, and in the caption below it. Pure, so that every state can be looked at. */
export function PanelView({ ref, ...props }: Props) {
  const { screen } = props
  return (
    <div ref={ref} className={styles.panelBody} data-testid="qr-panel" data-state={screen.state}>
      <div className={styles.frame}>
        <Ring time={timeOf(screen)} isFull={screen.state === 'confirmed' || screen.state === 'already'} />
        <div key={screen.state} className={styles.tile}>
          <Tile {...props} />
        </div>
        <canvas className={styles.mosaic} hidden />
      </div>
      <div className={styles.caption}>
        <Caption {...props} />
      </div>
    </div>
  )
}

function timeOf(screen: SignInScreen): ShownTime | null {
  if (screen.state === 'ready' || screen.state === 'reconnecting') return screen.code
  return 'time' in screen ? screen.time : null
}
