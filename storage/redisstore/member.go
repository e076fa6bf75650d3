package redisstore

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/contit/oauth/storage"
)

// nonceLength is the NONCE of shared.lua.
const nonceLength = 16

// newNonce names one call, so that the scripts recognise it when it is
// delivered twice: 80 bits are enough among the uses of one credential.
func newNonce() string { return rand.Text()[:nonceLength] }

var (
	errDamaged  = errors.New("redisstore: a credential's record is damaged, or not of this store")
	errNoDigest = errors.New("redisstore: a credential must have a digest")
	errNoFamily = errors.New("redisstore: a credential must have a family")
	errNotNew   = errors.New("redisstore: a credential that is added must be new: without Uses, SpentAt, Salt and Revoked")
	errStranger = errors.New("redisstore: a successor must be of the family of what is spent")
)

// member is a credential that is about to be added, as the scripts take it.
type member struct {
	digest, family, record, until string
}

// newMember checks and encodes a new credential. It refuses one that is spent
// already: the scripts would keep it as unspent.
func newMember(c *storage.Credential, nonce string) (member, error) {
	switch {
	case c.Digest.IsZero():
		return member{}, errNoDigest
	case c.Family == "":
		return member{}, errNoFamily
	case c.Uses != 0 || !c.SpentAt.IsZero() || len(c.Salt) > 0 || c.Revoked:
		return member{}, errNotNew
	}
	text, err := encodeCredential(c)
	if err != nil {
		return member{}, err
	}
	m := member{digest: c.Digest.String(), family: c.Family, until: keptUntil(c)}
	// spend.lua reads the nonce, MaxUses and the instant.
	m.record = fmt.Sprintf("%s%d %s %s", nonce, max(c.MaxUses, 0), m.until, text)
	return m, nil
}

// slack is how much longer than need be a server keeps a record. It judges
// expiry by its own clock, which may be ahead of the endpoint's, even by a time
// zone that was set wrongly.
const slack = 2 * time.Hour

// keptUntil is the instant before which a credential is not forgotten, in
// milliseconds.
func keptUntil(c *storage.Credential) string {
	if c.ExpiresAt.After(c.FamilyExpiresAt) {
		return expiry(c.ExpiresAt)
	}
	return expiry(c.FamilyExpiresAt)
}

// expiry returns the instant, in milliseconds, at which a server may forget a
// key that is needed until another instant. It is positive: Redis 6 refuses
// some of the others.
func expiry(until time.Time) string {
	return strconv.FormatInt(max(until.Add(slack).UnixMilli(), 1), 10)
}

// decodeMember puts a credential together again: the record as newMember made
// it, and its use as spend.lua made it, "<uses> <nonces> {...}", or nothing.
func decodeMember(record, use string) (*storage.Credential, error) {
	if len(record) < nonceLength {
		return nil, errDamaged
	}
	parts := strings.SplitN(record[nonceLength:], " ", 3)
	if len(parts) != 3 {
		return nil, errDamaged
	}
	c, err := decodeCredential(parts[2])
	if err != nil || use == "" {
		return c, err
	}
	parts = strings.SplitN(use, " ", 3)
	if len(parts) != 3 {
		return nil, errDamaged
	}
	var r useRecord
	if err := decode(parts[2], &r); err != nil {
		return nil, err
	}
	// A use that cannot be counted must not come out as none.
	if c.Uses, err = strconv.Atoi(parts[0]); err != nil || c.Uses < 1 {
		return nil, errDamaged
	}
	c.SpentAt, c.Salt, c.FamilyExpiresAt = r.SpentAt, r.Salt, r.FamilyExpiresAt
	return c, nil
}

func parseDigest(text string) (d storage.Digest, err error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(d) {
		return d, errDamaged
	}
	return storage.Digest(b), nil
}
