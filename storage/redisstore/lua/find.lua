-- KEYS: a family. ARGV: a digest.
return record(KEYS[1], ARGV[1])
