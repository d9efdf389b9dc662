-- Takes items that are due and belong to nobody, or to a worker whose lease ran out.
-- KEYS: due, claimed (sorted sets by milliseconds), notes, requests, owners (hashes).
-- ARGV: now, end of the lease, how many, who takes them.
-- Returns item, notes, requests, item, …
local now, lease, limit = ARGV[1], ARGV[2], tonumber(ARGV[3])
local found = {}
local function take(item)
  redis.call('ZREM', KEYS[1], item)
  redis.call('ZADD', KEYS[2], lease, item)
  redis.call('HSET', KEYS[5], item, ARGV[4])
  found[#found + 1] = item
  found[#found + 1] = redis.call('HGET', KEYS[3], item) or ''
  found[#found + 1] = redis.call('HGET', KEYS[4], item) or '0'
end
for _, item in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, limit)) do
  take(item)
end
-- so many suffice, since no more of them can be claimed than there are claims
local enough = limit + redis.call('ZCARD', KEYS[2])
for _, item in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, enough)) do
  if #found >= 3 * limit then
    break
  end
  if not redis.call('ZSCORE', KEYS[2], item) then
    take(item)
  end
end
return found
