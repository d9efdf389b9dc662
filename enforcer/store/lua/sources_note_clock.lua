-- Notes what the clock of a registry is behind this one. KEYS: the number. ARGV: microseconds that it shows, seconds.
local time = redis.call('TIME')
redis.call('SET', KEYS[1], string.format('%.0f', time[1] * 1000000 + time[2] - ARGV[1]), 'EX', ARGV[2])
