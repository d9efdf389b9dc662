-- Gives a key back until later or for good, unless it was asked for meanwhile: then the claim goes on.
-- KEYS as in workqueue_claim.lua. ARGV: key, token, generation, checkpoint, milliseconds of a lease, and if it is to come
-- again, in how many milliseconds. Returns -1 if it was given back, -2 if the claim was lost, else the new generation.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local key, token, known, checkpoint, lease, delay = unpack(ARGV)
if redis.call('HGET', KEYS[5], key) ~= token then
  return -2
end
redis.call('ZREM', KEYS[1], key)
local generation = tonumber(redis.call('HGET', KEYS[4], key) or 0)
if generation > tonumber(known) then
  redis.call('HSET', KEYS[3], key, checkpoint)
  redis.call('ZADD', KEYS[2], now + lease, key)
  return generation
end
redis.call('ZREM', KEYS[2], key)
redis.call('HDEL', KEYS[5], key)
if delay then
  redis.call('HSET', KEYS[3], key, checkpoint)
  redis.call('ZADD', KEYS[1], now + delay, key)
else
  redis.call('HDEL', KEYS[3], key)
  redis.call('HDEL', KEYS[4], key)
end
return -1
