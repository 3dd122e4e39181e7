// A server process of its own, with the settings of its environment. Needs `--import tsx`.
import { serve } from '../../docs/guides/embedding/node'

const { server, stop } = serve(process.env as Record<string, string>)
server.listen(Number(process.env.PORT), '127.0.0.1')
process.once('SIGTERM', () => void stop().then(() => process.exit(0)))
