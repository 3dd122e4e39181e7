'use client'

import './globals.css'
import ErrorPage from './error'

/** Shown when rendering the layout failed. */
export default function GlobalError(props: { error: Error & { digest?: string }; reset: () => void }) {
  return (
    <html lang="en">
      <body>
        <ErrorPage {...props} />
      </body>
    </html>
  )
}
