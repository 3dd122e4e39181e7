import type { Module, Plan, Verdict } from './module'

const PLANS: readonly Plan[] = ['Config OP', 'Basic OP', 'RP-Initiated Logout OP', 'Back-Channel Logout OP']

const HEAD = `# Conformance

The modules of four plans of the [OpenID conformance suite](https://gitlab.com/openid/conformance-suite), ported as the
tests in \`test/conformance\`: \`npx vitest run test/conformance/conformance.test.ts\`. The suite itself needs Java and
MongoDB. A port sends the same requests and checks the same conditions; it is not a certification. Each module is first
seen to pass against [oidc-provider](https://github.com/panva/node-oidc-provider) as it comes, with its own pages.

- **PASSED**: as the suite has it. Where the suite asks for a screenshot of an error, the test checks the page.
- **WARNING**: allowed, but not recommended; the suite certifies it too.
- **SKIPPED**: the provider need not have what the module tests, and its metadata says that it does not.

Endpoints have https where \`PUBLIC_ORIGIN\` has: the providers under test listen on this machine.
\`oidcc-codereuse-30seconds\` uses the code again after 10.1 s: qr-login ends the tokens of a code that is used again
later than 10 s after its exchange. An earlier reuse is refused, but takes nothing from the first exchange.

Where OpenID leaves a choice, qr-login has chosen:

- Refresh tokens end with the session, those of \`offline_access\` too.
- A POST at the authorization and end-session endpoints is answered 303, to the same as a GET.
- There are no CORS headers: the modules send their requests as a backend does.
- The claims of scopes are in the ID token and at userinfo. There is no claims parameter, and no request object.

This page is written by the test, which fails when the page is out of date. With \`-u\` at the end it writes it anew.
`

/** The page of all verdicts. `targets`: the columns. Throws if a verdict is missing. */
export function toTable(
  modules: readonly Module[],
  targets: readonly string[],
  verdicts: ReadonlyMap<string, ReadonlyMap<string, Verdict>>,
): string {
  const parts = PLANS.map((plan) => {
    const rows = modules
      .filter((module) => module.plan === plan)
      .map(({ name }) => toRow(name, targets, verdicts.get(name)))
    const head = [`| module | ${targets.join(' | ')} | why |`, `| --- |${' --- |'.repeat(targets.length + 1)}`]
    return [`## ${plan}\n`, ...head, ...rows].join('\n')
  })
  return `${HEAD}\n${parts.join('\n\n')}\n`
}

function toRow(name: string, targets: readonly string[], verdicts: ReadonlyMap<string, Verdict> | undefined): string {
  const results = targets.map((target) => {
    const verdict = verdicts?.get(target)
    if (verdict === undefined) throw new Error(`${name} has no verdict for ${target}`)
    return verdict.result
  })
  // A reason of one target alone names it.
  const reasons = new Map<string, string[]>()
  for (const target of targets) {
    for (const reason of verdicts?.get(target)?.reasons ?? [])
      reasons.set(reason, [...(reasons.get(reason) ?? []), target])
  }
  const why = [...reasons].map(([reason, from]) => (from.length === targets.length ? reason : toPartial(reason, from)))
  return `| \`${name}\` | ${results.join(' | ')} | ${why.join('; ')} |`
}

function toPartial(reason: string, from: readonly string[]): string {
  return from.every((target) => target.startsWith('qr-login')) ? `qr-login: ${reason}` : `${from.join(', ')}: ${reason}`
}
