import { formatDevice } from './format'

/**
 * The name of a signed-in computer, with the app that it was signed in to. `unknown`: where browser
 * and system are not known.
 */
export function formatComputer(
  computer: { browser: string | null; os: string | null; app?: { name: string } | null },
  unknown: string,
): string {
  const { browser, os, app } = computer
  if (app === undefined || app === null) return formatDevice(computer) ?? unknown
  const parts = [browser, os].filter((part) => part !== null)
  return `${app.name} · ${parts.length === 0 ? unknown : parts.join(', ')}`
}
