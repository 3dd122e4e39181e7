// qr-login in another Next app: one file answers all of its API.
import { qrLogin } from '../../../qr-login'

const handler = (request: Request): Promise<Response> => {
  // The address of the client as your platform reports it. Without one all clients share one rate
  // limit.
  const address = request.headers.get('x-forwarded-for')?.split(',').at(-1)?.trim()
  return qrLogin().handle(request, address === undefined ? undefined : { address })
}

export {
  handler as DELETE,
  handler as GET,
  handler as HEAD,
  handler as OPTIONS,
  handler as PATCH,
  handler as POST,
  handler as PUT,
}
