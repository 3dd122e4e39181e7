/** Replaces `{name}` placeholders by values. A placeholder without a value stays unchanged. */
export function format(text: string, values: Record<string, string>): string {
  return text.replace(/\{(\w+)\}/g, (placeholder, name: string) => values[name] ?? placeholder)
}

/** Splits `a **b** c` into normal and strong parts. */
export function splitStrong(text: string): { text: string; isStrong: boolean }[] {
  return text
    .split('**')
    .map((part, index) => ({ text: part, isStrong: index % 2 === 1 }))
    .filter((part) => part.text !== '')
}

/** Minutes and seconds, as m:ss. */
export function formatCountdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000))
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

/** Browser and operating system; null if neither is known. */
export function formatDevice({ browser, os }: { browser: string | null; os: string | null }): string | null {
  const parts = [browser, os].filter((part) => part !== null)
  return parts.length === 0 ? null : parts.join(' · ')
}
