-- Takes keys that are due and that no worker has, or only one whose lease ran out.
-- KEYS: due, claimed (sorted sets by milliseconds), notes, requests, owners (hashes), tokens (a counter).
-- ARGV: milliseconds of the lease, how many, who takes them.
-- Returns key, checkpoint, generation, token, key, …
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lease, limit = now + ARGV[1], tonumber(ARGV[2])
local found = {}
local function take(key)
  -- The counter outlives the queue: a number that came twice would let a lost claim pass for a new one.
  local token = ARGV[3] .. ' ' .. redis.call('INCR', KEYS[6])
  redis.call('ZREM', KEYS[1], key)
  redis.call('ZADD', KEYS[2], lease, key)
  redis.call('HSET', KEYS[5], key, token)
  found[#found + 1] = key
  found[#found + 1] = redis.call('HGET', KEYS[3], key) or ''
  found[#found + 1] = redis.call('HGET', KEYS[4], key) or '0'
  found[#found + 1] = token
end
for _, key in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, limit)) do
  take(key)
end
-- so many suffice, since no more of them can be claimed than there are claims
local enough = limit + redis.call('ZCARD', KEYS[2])
for _, key in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, enough)) do
  if #found >= 4 * limit then
    break
  end
  if not redis.call('ZSCORE', KEYS[2], key) then
    take(key)
  end
end
return found
