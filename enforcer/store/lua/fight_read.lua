-- Reads a fight, and the milliseconds since 1970 by Redis's clock. KEYS: the fight. Returns both; "" for no fight.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return { redis.call('GET', KEYS[1]) or '', string.format('%.0f', now) }
