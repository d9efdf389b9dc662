-- Begins the lease of a claim anew, unless another worker has taken its key over. KEYS as in workqueue_claim.lua.
-- ARGV: key, token, milliseconds of the lease. Returns 1 if the claim still held.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call('HGET', KEYS[5], ARGV[1]) ~= ARGV[2] then
  return 0
end
redis.call('ZADD', KEYS[2], 'XX', now + ARGV[3], ARGV[1])
return 1
