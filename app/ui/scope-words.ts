'use client'

import { type Texts, useText } from './page-text'

type Scope = keyof Texts<'apps'>['scopes']

/**
 * What each scope gives an app, in plain words and in a fixed order. Without the one that every app
 * has, unless it is the only one. Unknown scopes give nothing.
 */
export function useScopeWords(scopes: readonly string[]): string[] {
  const words = useText('apps').scopes
  const more = MORE.filter((scope) => scopes.includes(scope))
  return (more.length === 0 ? (['openid'] as const) : more).map((scope) => words[scope])
}

const MORE: readonly Scope[] = ['profile', 'email', 'groups', 'offline_access']
