/** An app that a computer signs in to, as people see it. */
export interface AppView {
  name: string
  /** An https address. Null: letters are shown. */
  logoUrl: string | null
  /** Where it is: for people to recognise. Null: it has no address, such as a program. */
  host: string | null
}

/** The same on the phone, which agrees to what the app asks for. */
export interface AskingApp extends AppView {
  /** Null: an app of the first party, which nobody has to agree to. */
  scopes: readonly string[] | null
}

/** What is stored about the app that an attempt signs in to. */
export interface RequestingApp extends AskingApp {
  /** Of its OpenID client. Null: an app behind forward auth. */
  clientId: string | null
  /** The app's own request, which goes on after the sign-in. Null: a device without a browser. */
  interaction: string | null
  /** The code that such a device shows. */
  userCode?: string
}

export function toAppView({ name, logoUrl, host }: AppView): AppView {
  return { name, logoUrl, host }
}

export function toAskingApp({ name, logoUrl, host, scopes }: AskingApp): AskingApp {
  return { name, logoUrl, host, scopes }
}
