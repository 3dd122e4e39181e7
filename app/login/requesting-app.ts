import { findAppBrowserHash } from '@/lib/api/apps'
import { type AppView, toAppView } from '@/lib/core/attempt/app'
import { isProtocolError } from '@/lib/core/errors'
import type { HeaderReader } from '@/lib/http/api-request'
import { qrLogin } from '@/lib/server/shared'

/** The app that has sent the browser to the login page. */
export interface RequestingAppView {
  /** The id of its request. */
  interaction: string
  /** Whether the request has run out, or is of another browser. */
  isLost: boolean
  /** Null: it is not known. */
  view: AppView | null
}

const MAX_ID_CHARS = 64

/** `interaction`: of the page's address. Null: no app has sent the browser here. */
export async function findRequestingApp(
  interaction: string | string[] | undefined,
  headers: HeaderReader,
): Promise<RequestingAppView | null> {
  if (interaction === undefined) return null
  const id = String(interaction)
  const lost = { interaction: id, isLost: true, view: null }
  const { context } = qrLogin()
  if (context.appSignIns === null || id.length > MAX_ID_CHARS) return lost
  try {
    const app = await context.appSignIns.require(id, await findAppBrowserHash({ headers }, context))
    return { interaction: id, isLost: false, view: toAppView(app) }
  } catch (error) {
    if (!isProtocolError(error)) throw error
    return lost
  }
}
