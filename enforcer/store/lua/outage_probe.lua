-- Takes the next probe of a registry that is away, if it is time. KEYS: when that is, in milliseconds by Redis's clock.
-- ARGV: the milliseconds after which a probe that never ended counts as failed. Returns 1 for the caller that has it.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now < tonumber(redis.call('GET', KEYS[1]) or 0) then
  return 0
end
redis.call('SET', KEYS[1], now + ARGV[1], 'PX', 2 * ARGV[1])
return 1
