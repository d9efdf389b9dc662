-- Appends events to the log and finds out whether a drain is already on its way.
-- KEYS: log (stream), flag. ARGV: seconds that the flag lasts, then the events. Returns 1 if a drain must be enqueued.
for event = 2, #ARGV do
  redis.call('XADD', KEYS[1], '*', 'event', ARGV[event])
end
if redis.call('SET', KEYS[2], 1, 'NX', 'EX', ARGV[1]) then
  return 1
end
return 0
