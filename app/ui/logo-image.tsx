'use client'

import styles from './app-logo.module.css'

const hide = (image: HTMLImageElement) => {
  image.hidden = true
}

/** Hidden if it does not load. Its server does not learn which page shows it. */
export function LogoImage({ url, size }: { url: string; size: number }) {
  return (
    // biome-ignore lint/performance/noImgElement: no image optimiser runs in this app
    <img
      // It may have failed before the page's script runs.
      ref={(image) => {
        if (image?.complete === true && image.naturalWidth === 0) hide(image)
      }}
      className={styles.image}
      src={url}
      alt=""
      width={size}
      height={size}
      referrerPolicy="no-referrer"
      onError={(event) => hide(event.currentTarget)}
    />
  )
}
