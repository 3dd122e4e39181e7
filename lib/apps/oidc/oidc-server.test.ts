import { afterEach, test } from 'vitest'
import { AppServer } from '../../../test/support/app-server'
import { clientOf } from '../../../test/support/oidc-app'
import { hasRedisServer, RedisServer } from '../../../test/support/redis-server'
import { until } from '../../../test/support/until'

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

test.skipIf(!hasRedisServer())('the keys are made before the first request, once the store is there', async () => {
  const redis = await RedisServer.start()
  stops.push(() => redis.dispose())
  await redis.kill()
  const server = await AppServer.start({ clients: [clientOf('wiki')], env: { REDIS_URL: redis.url } })
  stops.push(() => server.stop())
  await redis.start()
  await until(async () => (await redis.send('KEYS *signing-keys*')).startsWith('*1'))
})
