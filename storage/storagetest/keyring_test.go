package storagetest_test

import (
	"cmp"
	"context"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/storage/storagetest"
)

// The bugs of a keyring.
const (
	looksThenAdds      fault = "looks whether the turn is taken, then adds"
	inTheOrderAdded    fault = "lists keys in the order in which they were added"
	sortsTurnsAsText   fault = "sorts turns as text"
	sharesKeysIn       fault = "keeps the caller's slice"
	sharesKeysOut      fault = "hands its own keys out"
	sharesTheList      fault = "hands its own list out"
	overwritesKeys     fault = "overwrites"
	onlyTurnsAreUnique fault = "two keys may have one ID"
	foldsIDs           fault = "compares IDs without case"
	trimsIDs           fault = "compares IDs without spaces at the end"
	dropsBadBytesOfIDs fault = "drops bytes of IDs that are not UTF-8"
	cutsSealed         fault = "cuts sealed keys at 8 KiB"
	cutsSealedAtNUL    fault = "cuts sealed keys at NUL"
	roundsTurns        fault = "keeps turns as float64"
	noKeyIsNotFound    fault = "cannot delete what is not there"
	keepsTurnsTaken    fault = "does not give a deleted turn again"
	deletesUpToTurn    fault = "deletes older keys too"
	expiresKeys        fault = "lets DeleteExpired delete old keys"
	errorIsExists      fault = "every error is that it exists"
	errorIsNoKeys      fault = "every error is an empty list"
	ignoresContextKeys fault = "ignores the context"
	addsInTwoSteps     fault = "adds a key, then seals it"
	endedIsCreated     fault = "an ended context is success"
)

// keyring is a store of signing keys as one is written in a hurry. Without a
// fault it is right.
type keyring struct {
	*memory.Store // everything else
	fault         fault
	forget        func(record any) // on the way out, if not nil

	step  sync.Mutex // held for all of a method, unless the fault is a gap
	mu    sync.Mutex // held for one access
	keys  []*storage.SigningKey
	taken map[int64]bool
}

func newKeyring(f fault) *keyring {
	return &keyring{Store: new(memory.Store), fault: f, taken: make(map[int64]bool)}
}

func (r *keyring) begin() func() {
	if r.fault == looksThenAdds || r.fault == addsInTwoSteps {
		return func() {}
	}
	r.step.Lock()
	return r.step.Unlock
}

// SigningKeys implements storage.SigningKeys.
func (r *keyring) SigningKeys(ctx context.Context) ([]*storage.SigningKey, error) {
	defer r.begin()()
	if err := ctx.Err(); err != nil && r.fault != ignoresContextKeys {
		if r.fault == errorIsNoKeys {
			return nil, nil
		}
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fault == sharesTheList {
		slices.SortFunc(r.keys, byTurn)
		return r.keys, nil
	}
	var keys []*storage.SigningKey
	for _, k := range r.keys {
		if r.fault != sharesKeysOut {
			k = k.Clone()
		}
		if r.forget != nil {
			r.forget(k)
		}
		keys = append(keys, k)
	}
	switch r.fault {
	case inTheOrderAdded:
	case sortsTurnsAsText:
		slices.SortFunc(keys, func(a, b *storage.SigningKey) int {
			return cmp.Compare(strconv.FormatInt(a.Turn, 10), strconv.FormatInt(b.Turn, 10))
		})
	default:
		slices.SortFunc(keys, byTurn)
	}
	return keys, nil
}

func byTurn(a, b *storage.SigningKey) int { return cmp.Compare(a.Turn, b.Turn) }

// CreateSigningKey implements storage.SigningKeys.
func (r *keyring) CreateSigningKey(ctx context.Context, k *storage.SigningKey) error {
	defer r.begin()()
	if err := ctx.Err(); err != nil && r.fault != ignoresContextKeys {
		switch r.fault {
		case errorIsExists:
			return storage.ErrExists
		case endedIsCreated:
			return nil
		}
		return err
	}
	kept := r.spoil(k)
	if r.has(kept) && r.fault != overwritesKeys {
		return storage.ErrExists
	}
	if r.fault == looksThenAdds {
		time.Sleep(100 * time.Microsecond) // or a crowd would hardly ever meet in the gap
	}
	sealed := kept.Sealed
	if r.fault == addsInTwoSteps {
		kept.Sealed = nil
	}
	r.mu.Lock()
	r.keys = append(slices.DeleteFunc(r.keys, func(l *storage.SigningKey) bool {
		return r.fault == overwritesKeys && l.Turn == kept.Turn
	}), kept)
	r.mu.Unlock()
	if r.fault == addsInTwoSteps {
		time.Sleep(100 * time.Microsecond)
		r.mu.Lock()
		defer r.mu.Unlock()
		kept.Sealed = sealed
	}
	return nil
}

// spoil returns the copy of a key that the keyring keeps.
func (r *keyring) spoil(k *storage.SigningKey) *storage.SigningKey {
	kept := k.Clone()
	switch r.fault {
	case sharesKeysIn:
		kept.Sealed = k.Sealed
	case dropsBadBytesOfIDs:
		kept.ID = strings.ToValidUTF8(k.ID, "")
	case cutsSealed:
		kept.Sealed = kept.Sealed[:min(len(kept.Sealed), 8<<10)]
	case cutsSealedAtNUL:
		text, _, _ := strings.Cut(string(k.Sealed), "\x00")
		kept.Sealed = []byte(text)
	case roundsTurns:
		kept.Turn = int64(float64(k.Turn))
	}
	return kept
}

func (r *keyring) has(k *storage.SigningKey) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.taken[k.Turn] {
		return true
	}
	return slices.ContainsFunc(r.keys, func(l *storage.SigningKey) bool {
		return l.Turn == k.Turn || r.fault != onlyTurnsAreUnique && r.key(l.ID) == r.key(k.ID)
	})
}

// key returns the text by which the store compares an ID.
func (r *keyring) key(id string) string {
	switch r.fault {
	case foldsIDs:
		return strings.ToLower(id)
	case trimsIDs:
		return strings.TrimRight(id, " ")
	}
	return id
}

// DeleteSigningKey implements storage.SigningKeys.
func (r *keyring) DeleteSigningKey(ctx context.Context, turn int64) error {
	defer r.begin()()
	if err := ctx.Err(); err != nil && r.fault != ignoresContextKeys {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	before := len(r.keys)
	r.keys = slices.DeleteFunc(r.keys, func(k *storage.SigningKey) bool {
		return k != nil && k.Turn == turn || r.fault == deletesUpToTurn && k.Turn < turn
	})
	if r.fault == keepsTurnsTaken {
		r.taken[turn] = true
	}
	if r.fault == noKeyIsNotFound && len(r.keys) == before {
		return storage.ErrNotFound
	}
	return nil
}

// DeleteExpired is the method that storagetest.RunCredentials describes.
func (r *keyring) DeleteExpired(ctx context.Context, before time.Time, limit int) (int, error) {
	n, err := r.Store.DeleteExpired(ctx, before, limit)
	if r.fault == expiresKeys {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.keys = slices.DeleteFunc(r.keys, func(k *storage.SigningKey) bool { return k.AnnouncedAt.Before(before.AddDate(-1, 0, 0)) })
	}
	return n, err
}

// rejectedKeyrings tells which rules reject a keyring with a fault.
var rejectedKeyrings = map[fault][]string{
	looksThenAdds: {
		"one of fifty who create a key for one turn at once succeeds, and only its key is listed",
		"one of fifty who create a key with one ID at once succeeds",
	},
	inTheOrderAdded:  {"signing keys are listed in the order of their turns"},
	sortsTurnsAsText: {"signing keys are listed in the order of their turns"},
	sharesKeysIn:     {"signing keys are copied on the way in and out"},
	sharesKeysOut:    {"signing keys are copied on the way in and out"},
	sharesTheList:    {"signing keys are copied on the way in and out"},
	overwritesKeys: {
		"a turn or an ID that is taken is ErrExists and the first key stays",
		"one of fifty who create a key for one turn at once succeeds, and only its key is listed",
	},
	onlyTurnsAreUnique: {
		"a turn or an ID that is taken is ErrExists and the first key stays",
		"one of fifty who create a key with one ID at once succeeds",
	},
	foldsIDs:           {"the IDs of signing keys are compared byte for byte"},
	trimsIDs:           {"the IDs of signing keys are compared byte for byte"},
	dropsBadBytesOfIDs: {"an ID with NUL or broken UTF-8 is kept as it is or refused"},
	cutsSealed:         {"a sealed key of 16 KiB comes back byte for byte"},
	cutsSealedAtNUL:    {"a sealed key of 16 KiB comes back byte for byte", ruleSigningKey},
	roundsTurns:        {ruleSigningKey},
	noKeyIsNotFound:    {"to delete a turn that has no key is no error"},
	keepsTurnsTaken:    {"DeleteSigningKey deletes one key and leaves its turn and its ID free"},
	deletesUpToTurn:    {"DeleteSigningKey deletes one key and leaves its turn and its ID free"},
	expiresKeys:        {"signing keys stay until DeleteSigningKey, however old they are"},
	errorIsExists: {
		"an ended context never looks like a verdict about a signing key",
		"an ended context creates and deletes no signing key",
	},
	errorIsNoKeys:      {"an ended context never looks like a verdict about a signing key"},
	ignoresContextKeys: {"an ended context creates and deletes no signing key"},
	addsInTwoSteps:     {"a list that is read while keys come and go is in order and has whole keys"},
	endedIsCreated:     {"a CreateSigningKey that is cancelled under way and succeeds has created the key"},
}

const ruleSigningKey = "a signing key is listed with every field as it was created"

func TestRejectsBrokenKeyrings(t *testing.T) {
	for f, rules := range rejectedKeyrings {
		t.Run(string(f), func(t *testing.T) {
			for _, rule := range rules {
				wantRejected(t, rule, newKeyring(f))
			}
		})
	}
}

func TestRejectsLostFieldOfSigningKey(t *testing.T) {
	typ := reflect.TypeFor[storage.SigningKey]()
	for i := range typ.NumField() {
		t.Run(typ.Field(i).Name, func(t *testing.T) {
			r := newKeyring("")
			r.forget = zeroes(i)
			wantRejected(t, ruleSigningKey, r)
		})
	}
}

// The suite must pass two stores of signing keys as well.
func TestSigningKeys(t *testing.T) {
	t.Run("memory", func(t *testing.T) {
		storagetest.RunSigningKeys(t, func(testing.TB) storage.SigningKeys { return new(memory.Store) })
	})
	t.Run("keyring", func(t *testing.T) {
		storagetest.RunSigningKeys(t, func(testing.TB) storage.SigningKeys { return newKeyring("") })
	})
	t.Run("one for all rules", func(t *testing.T) {
		s := new(memory.Store)
		storagetest.RunSigningKeys(t, func(testing.TB) storage.SigningKeys { return s })
		if keys, err := s.SigningKeys(t.Context()); err != nil || len(keys) > 0 {
			t.Errorf("SigningKeys after the suite: got %d keys and error %v, want none: a host would sign with them", len(keys), err)
		}
	})
	t.Run("a store that is down is rejected", func(t *testing.T) {
		for _, r := range storagetest.Rules() {
			if strings.Contains(r.Name, "signing key") && len(failures(t, r, down{newTable("")})) == 0 {
				t.Errorf("rule %q: a store that answers nothing passed, want it rejected", r.Name)
			}
		}
	})
}

// down is a store of signing keys that cannot be reached.
type down struct{ *table }

var errDown = errors.New("down")

func (down) SigningKeys(context.Context) ([]*storage.SigningKey, error)  { return nil, errDown }
func (down) CreateSigningKey(context.Context, *storage.SigningKey) error { return errDown }
func (down) DeleteSigningKey(context.Context, int64) error               { return errDown }
