package redisstore

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/contit/oauth/storage"
)

var (
	errSigningKey = errors.New("redisstore: a signing key must have a turn from 1 on, an ID and what is sealed")
	errDamagedKey = errors.New("redisstore: a signing key's record is damaged, or not of this store")
)

// SigningKeys implements [storage.SigningKeys]. A record that is damaged comes back
// as a key with its turn alone, which opens nowhere: it must not take the readable
// keys away from the server.
func (s *Store) SigningKeys(ctx context.Context) ([]*storage.SigningKey, error) {
	reply, err := s.run(ctx, "signing_keys", []string{s.signingKeysKey()})
	if err != nil {
		return nil, err
	}
	if reply[0] != "FOUND" || len(reply)%2 == 0 {
		return nil, errForm
	}
	var keys []*storage.SigningKey
	for pair := range slices.Chunk(reply[1:], 2) {
		turn, err := strconv.ParseInt(pair[0], 10, 64)
		if err != nil {
			continue // no store has written it, and DeleteSigningKey cannot name it
		}
		k, err := decodeSigningKey(pair[1])
		if err != nil || k.Turn != turn {
			k = &storage.SigningKey{Turn: turn}
		}
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b *storage.SigningKey) int { return cmp.Compare(a.Turn, b.Turn) })
	return keys, nil
}

// CreateSigningKey implements [storage.SigningKeys]. It refuses a key without a
// turn, an ID or a sealed private key, and an ID that is not UTF-8.
//
// If Redis hears of it twice, because a client sent it again when the answer was
// lost, it adds one key and succeeds both times.
func (s *Store) CreateSigningKey(ctx context.Context, k *storage.SigningKey) error {
	if !complete(k) {
		return errSigningKey
	}
	nonce := newNonce()
	text, err := encodeSigningKey(k, nonce)
	if err != nil {
		return err
	}
	return s.decide(ctx, "create_signing_key", []string{s.signingKeysKey()}, strconv.FormatInt(k.Turn, 10), k.ID, nonce, text)
}

// DeleteSigningKey implements [storage.SigningKeys].
func (s *Store) DeleteSigningKey(ctx context.Context, turn int64) error {
	return s.decide(ctx, "delete_signing_key", []string{s.signingKeysKey()}, strconv.FormatInt(turn, 10))
}

func complete(k *storage.SigningKey) bool { return k.Turn >= 1 && k.ID != "" && len(k.Sealed) > 0 }

// encodeSigningKey returns the nonce of the call that adds the key, and the record.
func encodeSigningKey(k *storage.SigningKey, nonce string) (string, error) {
	text, err := encode(signingKeyRecord{
		Turn: k.Turn, ID: k.ID, AnnouncedAt: k.AnnouncedAt.UTC(), Sealed: k.Sealed, SealedWith: k.SealedWith,
	}, k.ID)
	return nonce + text, err
}

// decodeSigningKey reads the text that encodeSigningKey made. A key that has
// lost a field is an error, so that it is not listed without that field.
func decodeSigningKey(text string) (*storage.SigningKey, error) {
	if len(text) < nonceLength {
		return nil, errDamagedKey
	}
	var r signingKeyRecord
	if err := decode(text[nonceLength:], &r); err != nil {
		return nil, err
	}
	k := storage.SigningKey(r)
	if !complete(&k) {
		return nil, errDamagedKey
	}
	return &k, nil
}
