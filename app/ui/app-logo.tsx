import styles from './app-logo.module.css'
import { LogoImage } from './logo-image'

interface Props {
  app: { name: string; logoUrl: string | null }
  /** CSS pixels. */
  size: number
}

/**
 * The logo of an app, above its initials, which show where it has none or it does not load.
 * Decoration: the name is beside it.
 */
export function AppLogo({ app: { name, logoUrl }, size }: Props) {
  return (
    <span className={styles.logo}>
      <svg width={size} height={size} viewBox="0 0 48 48" aria-hidden="true">
        <text x="24" y="31" textAnchor="middle" fontSize="20" fontWeight="600" fill="currentColor">
          {initialsOf(name)}
        </text>
      </svg>
      {logoUrl === null ? null : <LogoImage key={logoUrl} url={logoUrl} size={size} />}
    </span>
  )
}

/** Of the first two words. */
function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/).slice(0, 2)
  return words.map(([letter = '']) => letter.toUpperCase()).join('')
}
