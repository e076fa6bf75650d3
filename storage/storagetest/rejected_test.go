package storagetest_test

// rejected tells which rules reject a table with a fault.
var rejected = map[fault][]string{
	// The four that people write.
	getThenSet: {
		"one of fifty who spend a credential at once succeeds, and only its successor exists",
		"fifty repeated uses at once are counted exactly",
		"one of fifty who create a digest at once succeeds",
		"one of fifty who add the same successor at once succeeds",
		"fifty who revoke one token at once all succeed, and the latest expiresAt holds",
	},
	sharesRecords: {
		"credentials are copied on the way in and out",
	},
	revokesRowByRow: {
		"nothing survives a Revoke, not even what a concurrent Spend was adding",
		"nothing survives a Revoke, not even what was created at that moment",
	},
	forgetsSpent: {
		"what is spent is still found after its ExpiresAt",
		"a second Spend of a record that was read before the first is ErrSpent and changes nothing",
		"a digest that is taken is ErrExists and the first credential stays",
	},

	// Verdicts and outages.
	marksThenAdds:        {"a Spend that is cancelled under way does all or nothing"},
	ignoresContext:       {"an ended context changes nothing", "an ended context deletes nothing", "an ended context revokes no token"},
	everyErrorIsNotFound: {"an ended context never looks like a verdict about a credential"},
	notFoundIsOutage:     {"an unknown digest is ErrNotFound"},
	alwaysFinds:          {"the digest of one kind does not find another", "an unknown digest is ErrNotFound"},

	// Spending.
	overwrites: {
		"a digest that is taken is ErrExists and the first credential stays",
		"Spend of what is not there is ErrNotFound and adds nothing",
		"Spend whose successor's digest is taken is ErrExists and leaves old unspent",
	},
	spendsBeforeItLooks: {"Spend whose successor's digest is taken is ErrExists and leaves old unspent"},
	lastSpendWins: {
		"a second Spend of a record that was read before the first is ErrSpent and changes nothing",
		"one of fifty who spend a credential at once succeeds, and only its successor exists",
	},
	spendNeedsNext:    {"Spend without a successor adds none"},
	keepsFamilyExpiry: {"Spend sets SpentAt, Uses, Salt and FamilyExpiresAt, adds next, and changes nothing else"},
	hidesExpired:      {"an expired credential is found and can be spent: the store does not judge time"},
	refusesExpired:    {"an expired credential is found and can be spent: the store does not judge time"},
	writesOldBack:     {"a repeated use adds one to Uses and changes nothing else"},
	countsFromZero:    {"uses end at MaxUses, and a MaxUses of zero means once"},
	repeatsUnspent:    {"a repeated use of what was never spent is ErrSpent"},
	addsAgain:         {"a repeated use never adds a successor"},

	// Revoking.
	spendsRevoked: {"nothing of a revoked family can be spent"},
	revokesWhatIsThere: {
		"what is added to a revoked family is revoked from the start",
		"a family can be revoked before it has a credential",
		"nothing survives a Revoke, not even what was created at that moment",
	},
	revokesUnspent:     {"all of a revoked family is found revoked, spent and unspent"},
	revokeNeedsMembers: {"to revoke again, or what does not exist, is no error"},
	foldsCase: {
		"Revoke leaves other families alone, however alike their names",
		"RevokeToken leaves other tokens alone, however alike their identifiers",
		"Revoke leaves the tokens of other families alone, however alike their names",
	},

	// Deleting.
	deletesByExpiresAt: {"what is spent is known until its FamilyExpiresAt"},
	neverDeletes:       {"what is over is deleted", "a revoked token is remembered until its expiresAt, and no longer"},
	ignoresLimit:       {"no more than limit are deleted at once", "no more than limit revocations are deleted at once"},
	forgetsRevocation: {
		"a family stays revoked while some of it is deleted",
		"the tokens of a revoked family are revoked while it is remembered",
	},

	// Access tokens.
	forgetsFamilies: {
		"every token of a revoked family is revoked",
		"a family that was revoked before it had a credential has revoked tokens",
		"nobody of fifty who asks after Revoke has returned is told that a token of the family is good",
		"the tokens of a revoked family are revoked while it is remembered",
	},
	errorIsFalse: {"an ended context never looks like a verdict about a token"},
	lastExpiryWins: {
		"to revoke a token again is no error, and the later expiresAt holds",
		"the later expiresAt holds against deletion, whichever came last",
		"fifty who revoke one token at once all succeed, and the latest expiresAt holds",
	},
	firstExpiryWins:       {"to revoke a token again is no error, and the later expiresAt holds"},
	refusesRevokedTokens:  {"to revoke a token again is no error, and the later expiresAt holds"},
	ignoresSpacesAtTheEnd: {"RevokeToken leaves other tokens alone, however alike their identifiers", "Revoke leaves the tokens of other families alone, however alike their names"},
	cutsIdentifiers:       {"an identifier of 512 bytes is kept whole"},
	oneMapForBoth:         {"RevokeToken leaves the token's family alone"},
	emptyIsAFamily:        {"a token without a family is not revoked with any"},
	remembersNo:           {"a token is revoked once RevokeToken has returned, and not before", "every token of a revoked family is revoked"},
	writesBehind: {
		"a token is revoked once RevokeToken has returned, and not before",
		"nobody of fifty who asks after RevokeToken has returned is told that the token is good",
		"nobody of fifty who asks after Revoke has returned is told that a token of the family is good",
	},
	endedIsDone: {
		"an ended context revokes no token",
		"a RevokeToken that is cancelled under way and succeeds has revoked the token",
	},
	forgetsAllTokens: {"a revoked token is remembered until its expiresAt, and no longer"},
	deletesTooSoon:   {"a revoked token is remembered until its expiresAt, and no longer"},
	deletesWhatItSaw: {"a token that is revoked again while it is deleted stays revoked"},

	// Values that do not come back as they were stored.
	epochForZero:      {"a credential with few fields is found with zero values"},
	nilBecomesEmpty:   {"a credential's nil audience stays nil and an empty one stays empty"},
	joinsWithComma:    {"text comes back byte for byte"},
	encodesClaimsAnew: {"text comes back byte for byte", "a credential is found with every field as it was created"},
	cutsClaims:        {"claims of 4 KiB and a hundred scopes come back whole"},
	keepsMilliseconds: {"instants keep their microseconds, in whatever zone and century"},
	dropsZone:         {"instants keep their microseconds, in whatever zone and century"},
	dropsBadBytes: {
		"text with NUL or broken UTF-8 is kept as it is or refused",
		"RevokeToken leaves other tokens alone, however alike their identifiers",
	},
}
