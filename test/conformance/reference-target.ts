import { type ChildProcess, spawn } from 'node:child_process'
import { freePort } from '../support/free-port'
import { UserAgent } from '../support/user-agent'
import { clientMetadata, findForm, isClient, type Landing, type PersonBrowser, type Target, toPage } from './target'

/** oidc-provider as it comes, in a process of its own: each module is first seen to pass here. */
export async function startReference(logoutUri: string): Promise<Target> {
  const port = await freePort()
  const child = spawn(process.execPath, ['test/support/conformance-provider-process.mjs'], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, PORT: String(port), CLIENTS: JSON.stringify(clientMetadata(logoutUri)) },
  })
  await listening(child)
  return {
    name: 'oidc-provider',
    issuer: `http://127.0.0.1:${port}`,
    newBrowser: () => new ReferenceBrowser(),
    stop: async () => {
      const exited = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      await exited
    },
  }
}

async function listening(child: ChildProcess): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the provider exited with ${code}`)))
    child.stdout?.once('data', () => resolve())
  })
}

/** Fills in the provider's own pages. */
class ReferenceBrowser implements PersonBrowser {
  readonly #agent = new UserAgent()

  async authorize(url: string, form?: URLSearchParams): Promise<Landing> {
    let landing = await this.#open(url, form)
    let wasAsked = false
    for (;;) {
      const found = findForm(landing)
      const prompt = found?.fields.get('prompt')
      if (found === null || typeof prompt !== 'string') return { ...landing, wasAsked }
      if (prompt === 'login') {
        wasAsked = true
        found.fields.set('login', 'ada')
        found.fields.set('password', 'x')
      }
      landing = await this.#open(found.action, found.fields)
    }
  }

  async signOut(url: string): Promise<Landing> {
    const landing = await this.#open(url)
    const form = findForm(landing)
    if (form === null) return landing
    form.fields.set('logout', 'yes')
    return { ...(await this.#open(form.action, form.fields)), wasAsked: true }
  }

  async #open(url: string, form?: URLSearchParams): Promise<Landing> {
    const init = form === undefined ? {} : { method: 'POST', body: form }
    const { url: last, response } = await this.#agent.open(url, isClient, init)
    return { url: last, page: await toPage(response), wasAsked: false }
  }
}
