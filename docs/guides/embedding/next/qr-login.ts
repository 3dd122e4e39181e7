import { createQrLogin, loadConfig, type QrLogin } from '../../../../lib/index'

// Next loads a module once for each of its module graphs; the store is opened once for all of them.
const KEY = Symbol.for('my-app.qr-login')
const holder = globalThis as { [KEY]?: QrLogin }

/** Created at the first call, by instrumentation.ts: settings are not read while the app is built. */
export function qrLogin(): QrLogin {
  holder[KEY] ??= createQrLogin({ config: loadConfig() })
  return holder[KEY]
}
