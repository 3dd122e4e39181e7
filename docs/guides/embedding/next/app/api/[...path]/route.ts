// qr-login in another Next app: one file answers all of its API.
import { qrLogin } from '../../../qr-login'

// Without the client's address all clients share one rate limit, and a new browser always needs the
// number. Pass it only if your platform sets the header itself, whatever the client has sent:
//   const address = request.headers.get('x-vercel-forwarded-for')
//   return qrLogin().handle(request, address === null ? undefined : { address })
const handler = (request: Request): Promise<Response> => qrLogin().handle(request)

export {
  handler as DELETE,
  handler as GET,
  handler as HEAD,
  handler as OPTIONS,
  handler as PATCH,
  handler as POST,
  handler as PUT,
}
