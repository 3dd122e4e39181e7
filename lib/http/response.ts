/** A JSON response. `resource` adds what every response carries. */
export function json(value: unknown, init: { status?: number; headers?: Record<string, string> } = {}): Response {
  const headers = { 'Content-Type': 'application/json', ...init.headers }
  return new Response(JSON.stringify(value), { status: init.status ?? 200, headers })
}

export function noContent(headers: Record<string, string> = {}): Response {
  return new Response(null, { status: 204, headers })
}

/** 303: the client continues with GET, whatever it has sent. */
export function redirect(location: string): Response {
  return new Response(null, { status: 303, headers: { Location: location } })
}
