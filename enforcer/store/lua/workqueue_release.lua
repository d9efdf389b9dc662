-- Gives a claimed item back. KEYS as in workqueue_claim.lua. ARGV: item, and if it is to come again: notes, milliseconds.
-- With notes alone, it has these if somebody asked for it meanwhile.
local item, notes, due = ARGV[1], ARGV[2], ARGV[3]
redis.call('ZREM', KEYS[2], item)
redis.call('HDEL', KEYS[5], item)
if due then
  redis.call('HSET', KEYS[3], item, notes)
  redis.call('ZADD', KEYS[1], 'LT', due, item)
elseif not redis.call('ZSCORE', KEYS[1], item) then
  redis.call('HDEL', KEYS[3], item)
  redis.call('HDEL', KEYS[4], item)
elseif notes then
  redis.call('HSET', KEYS[3], item, notes)
end
return 0
