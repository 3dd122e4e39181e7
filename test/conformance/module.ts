import type { PersonBrowser, Target } from './target'

/** What a module comes to. A module that fails throws. */
export interface Verdict {
  result: 'PASSED' | 'WARNING' | 'SKIPPED'
  /** Why it is not PASSED. */
  reasons: string[]
}

export type Plan = 'Config OP' | 'Basic OP' | 'RP-Initiated Logout OP' | 'Back-Channel Logout OP'

/** What a module runs with. */
export interface Run {
  target: Target
  /** Nobody is signed in. */
  browser: PersonBrowser
  /** Where a server that receives logout tokens keeps them. */
  logoutTokens: string[]
  /** The module goes on: something is allowed, but not recommended. */
  warn(reason: string): void
  /** The module ends here: the provider need not have what it tests. */
  skip(reason: string): never
}

/** A module of the OpenID conformance suite. */
export interface Module {
  plan: Plan
  name: string
  run(run: Run): Promise<void>
}

class SkippedError extends Error {}

/** @throws what the module throws, if it fails. */
export async function runModule(module: Module, target: Target, logoutTokens: string[]): Promise<Verdict> {
  const reasons: string[] = []
  try {
    await module.run({
      target,
      browser: target.newBrowser(),
      logoutTokens,
      warn: (reason) => void reasons.push(reason),
      skip: (reason) => {
        throw new SkippedError(reason)
      },
    })
  } catch (error) {
    if (!(error instanceof SkippedError)) throw error
    return { result: 'SKIPPED', reasons: [error.message] }
  }
  return { result: reasons.length === 0 ? 'PASSED' : 'WARNING', reasons }
}
