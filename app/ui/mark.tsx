/** 回, the finder square of a code. Decoration. `isPlain`: in the colour of the text. */
export function Mark({ size = 34, isPlain = false }: { size?: number; isPlain?: boolean }) {
  return (
    <svg width={size} height={size} viewBox="0 0 34 34" aria-hidden="true">
      <rect
        x="2.5"
        y="2.5"
        width="29"
        height="29"
        rx="8"
        fill="none"
        stroke={isPlain ? 'currentColor' : 'var(--ink)'}
        strokeWidth="5"
      />
      <rect x="11" y="11" width="12" height="12" rx="3.5" fill={isPlain ? 'currentColor' : 'var(--brand)'} />
    </svg>
  )
}
