-- KEYS: a pointer. ARGV: nonce, family, until.
if claim(KEYS[1], ARGV[1], ARGV[2], ARGV[3]) then
  return 'OK'
end
return 'EXISTS'
