package storagetest_test

import (
	"context"
	"time"

	"github.com/contit/oauth/storage"
)

// The bugs of a table's access tokens.
const (
	forgetsFamilies       fault = "looks for the token and not for its family"
	errorIsFalse          fault = "an error is false"
	lastExpiryWins        fault = "the last expiresAt holds"
	firstExpiryWins       fault = "the first expiresAt holds"
	refusesRevokedTokens  fault = "does not revoke a token twice"
	ignoresSpacesAtTheEnd fault = "compares as CHAR, without spaces at the end"
	cutsIdentifiers       fault = "cuts identifiers at 255 bytes"
	oneMapForBoth         fault = "keeps tokens and families together"
	emptyIsAFamily        fault = "takes the empty family for one"
	remembersNo           fault = "caches that a token is good"
	writesBehind          fault = "returns before others see what was written"
	endedIsDone           fault = "an ended context is success"
	forgetsAllTokens      fault = "deletes tokens that have not expired"
	deletesTooSoon        fault = "deletes tokens that expire at the instant"
	deletesWhatItSaw      fault = "finds what has expired, then deletes it"
)

// write makes a change, or makes the one before.
func (s *table) write(change func()) {
	if s.fault != writesBehind {
		change()
		return
	}
	for _, earlier := range s.waiting {
		earlier()
	}
	s.waiting = []func(){change}
}

// RevokeToken implements storage.Revocations.
func (s *table) RevokeToken(ctx context.Context, id string, expiresAt time.Time) error {
	defer s.begin()()
	if err := s.ended(ctx); err != nil {
		if s.fault == endedIsDone {
			return nil
		}
		return err
	}
	key := s.familyKey(id)
	s.mu.Lock()
	until, there := s.tokens[key]
	s.mu.Unlock()
	switch {
	case there && s.fault == refusesRevokedTokens:
		return storage.ErrExists
	case there && s.fault == firstExpiryWins:
		return nil
	case there && until.After(expiresAt) && s.fault != lastExpiryWins:
		return nil
	}
	if s.fault == getThenSet {
		s.pause()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.write(func() { s.tokens[key] = expiresAt })
	if s.fault == oneMapForBoth {
		s.revoked[key] = true
	}
	return nil
}

// Revoked implements storage.Revocations. Unlike package memory, it forgets by
// the clock.
func (s *table) Revoked(ctx context.Context, id, family string) (bool, error) {
	defer s.begin()()
	if err := s.ended(ctx); err != nil {
		if s.fault == errorIsFalse {
			return false, nil
		}
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := s.familyKey(id)
	if s.good[key] {
		return false, nil
	}
	if until, ok := s.tokens[key]; ok {
		return !until.Before(time.Now()), nil
	}
	if family == "" && s.fault != emptyIsAFamily || s.fault == forgetsFamilies {
		return false, nil
	}
	yes := s.revoked[s.familyKey(family)]
	s.good[key] = s.fault == remembersNo && !yes
	return yes, nil
}

// deleteTokens is their part of DeleteExpired.
func (s *table) deleteTokens(before time.Time, limit int) (deleted int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, until := range s.tokens {
		switch {
		case s.fault == neverDeletes, limit > 0 && deleted == limit && s.fault != ignoresLimit:
			continue
		case s.fault == forgetsAllTokens, s.fault == deletesTooSoon && until.Equal(before), until.Before(before):
		default:
			continue
		}
		if s.fault == deletesWhatItSaw {
			s.mu.Unlock()
			s.pause()
			s.mu.Lock()
		}
		delete(s.tokens, id)
		deleted++
	}
	return deleted
}
