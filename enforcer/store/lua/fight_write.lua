-- Writes a fight unless it was changed since it was read. KEYS: the fight.
-- ARGV: what was read, what is written, the seconds that it is kept. Returns 1 if it was written.
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
