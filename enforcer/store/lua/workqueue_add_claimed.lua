-- Adds keys and claims those that no worker has, for a caller that begins at once: in between no other may claim them.
-- KEYS as in workqueue_claim.lua. ARGV: milliseconds of the lease, who takes them, then the keys.
-- Returns key, checkpoint, generation, token, key, … of what was claimed; the others are due once more.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lease, found = now + ARGV[1], {}
for at = 3, #ARGV do
  local key = ARGV[at]
  local checkpoint = redis.call('HGET', KEYS[3], key) or ''
  local generation = redis.call('HINCRBY', KEYS[4], key, 1)
  redis.call('HSETNX', KEYS[3], key, '')
  if (tonumber(redis.call('ZSCORE', KEYS[2], key)) or 0) > now then
    redis.call('ZADD', KEYS[1], 'LT', now, key)
  else
    local token = ARGV[2] .. ' ' .. redis.call('INCR', KEYS[6])
    redis.call('ZREM', KEYS[1], key)
    redis.call('ZADD', KEYS[2], lease, key)
    redis.call('HSET', KEYS[5], key, token)
    found[#found + 1] = key
    found[#found + 1] = checkpoint
    found[#found + 1] = tostring(generation)
    found[#found + 1] = token
  end
end
return found
