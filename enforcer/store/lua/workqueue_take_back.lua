-- Ends the leases of one owner. KEYS as in workqueue_claim.lua. ARGV: the owner. Returns how many there were.
local count = 0
local owned = redis.call('HGETALL', KEYS[5])
for at = 1, #owned, 2 do
  if string.match(owned[at + 1], '^(.*) %d+$') == ARGV[1] then
    redis.call('ZADD', KEYS[2], 'XX', 0, owned[at])
    count = count + 1
  end
end
return count
