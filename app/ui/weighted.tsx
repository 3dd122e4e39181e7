import { splitStrong } from '@/lib/i18n/format'

/** A text of the catalogue with its `**…**` parts in bold. */
export function Weighted({ text }: { text: string }) {
  return splitStrong(text).map((part) =>
    part.isStrong ? <strong key={part.text}>{part.text}</strong> : <span key={part.text}>{part.text}</span>,
  )
}
