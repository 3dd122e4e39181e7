'use client'

import { useEffect } from 'react'

export type Theme = 'system' | 'light' | 'dark'

/** Rewrites the media conditions of the style sheets, so that the product needs no theme switch. */
export function useTheme(theme: Theme): void {
  useEffect(() => {
    const rules = [...document.styleSheets].flatMap((sheet) => findSchemeRules(sheet.cssRules))
    const before = rules.map(({ media }) => media.mediaText)
    if (theme !== 'system') {
      for (const { media } of rules) media.mediaText = media.mediaText.includes(theme) ? 'all' : 'not all'
      document.documentElement.style.colorScheme = theme
    }
    return () => {
      document.documentElement.style.colorScheme = ''
      for (const [index, { media }] of rules.entries()) media.mediaText = before[index] ?? 'all'
    }
  }, [theme])
}

function findSchemeRules(rules: CSSRuleList): CSSMediaRule[] {
  return [...rules].filter(
    (rule): rule is CSSMediaRule =>
      rule instanceof CSSMediaRule && rule.media.mediaText.includes('prefers-color-scheme'),
  )
}
