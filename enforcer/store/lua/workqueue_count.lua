-- Counts what there is to do. KEYS: due, claimed (sorted sets by milliseconds). ARGV: milliseconds.
-- Returns how many keys are due within that time, how many leases ran out, and how many keys are claimed.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return {
  redis.call('ZCOUNT', KEYS[1], '-inf', now + ARGV[1]),
  redis.call('ZCOUNT', KEYS[2], '-inf', now),
  redis.call('ZCARD', KEYS[2]),
}
