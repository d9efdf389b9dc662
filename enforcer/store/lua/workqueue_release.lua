-- Gives a key back, unless another worker has taken it over. KEYS as in workqueue_claim.lua.
-- ARGV: key, token, and if it is to come again: checkpoint, in how many milliseconds.
-- With a checkpoint alone, it has this if it was asked for meanwhile. Returns 1 if the claim still held.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local key, token, checkpoint, delay = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
if redis.call('HGET', KEYS[5], key) ~= token then
  return 0
end
redis.call('ZREM', KEYS[2], key)
redis.call('HDEL', KEYS[5], key)
if delay then
  redis.call('HSET', KEYS[3], key, checkpoint)
  redis.call('ZADD', KEYS[1], 'LT', now + delay, key)
elseif not redis.call('ZSCORE', KEYS[1], key) then
  redis.call('HDEL', KEYS[3], key)
  redis.call('HDEL', KEYS[4], key)
elseif checkpoint then
  redis.call('HSET', KEYS[3], key, checkpoint)
end
return 1
