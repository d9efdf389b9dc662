-- Makes keys due now, each asked for once more.
-- KEYS: due (sorted set by milliseconds), notes, requests (hashes). ARGV: key, checkpoint, key, …
-- The clock is Redis's: those of two hosts may differ by more than a lease.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for at = 1, #ARGV, 2 do
  redis.call('ZADD', KEYS[1], 'LT', now, ARGV[at]) -- what waits already keeps its turn
  redis.call('HSETNX', KEYS[2], ARGV[at], ARGV[at + 1])
  redis.call('HINCRBY', KEYS[3], ARGV[at], 1)
end
return 0
