import { describeRedis } from './contract'
import { TcpRedis } from './tcp'

describeRedis('Redis over TCP', async ({ url }) => {
  const redis = new TcpRedis({ url, now: Date.now, onError: () => {} })
  return { redis, dispose: () => redis.close() }
})
