package storagetest

import (
	"context"
	crand "crypto/rand"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/contit/oauth/storage"
)

// Comments that rules come from.
const (
	docSigningKeys      = "the comment of storage.SigningKeys.SigningKeys"
	docCreateSigningKey = "the comment of storage.SigningKeys.CreateSigningKey"
	docDeleteSigningKey = "the comment of storage.SigningKeys.DeleteSigningKey"
	docSigningKeyType   = "the comment of storage.SigningKey"
)

var signingKeyRules = slices.Concat([]rule[storage.SigningKeys]{
	{"a signing key is listed with every field as it was created", docCreateSigningKey, signingKeyComesBack},
	{"a sealed key of 16 KiB comes back byte for byte", docSigningKeyType, signingKeySealed},
	{"signing keys are listed in the order of their turns", docSigningKeys, signingKeyOrder},
	{"a turn or an ID that is taken is ErrExists and the first key stays", docCreateSigningKey, duplicateSigningKey},
	{"the IDs of signing keys are compared byte for byte", docCreateSigningKey, signingKeyIdentifiers},
	{"an ID with NUL or broken UTF-8 is kept as it is or refused", docPackage, brokenSigningKeyIdentifiers},
	{"DeleteSigningKey deletes one key and leaves its turn and its ID free", docDeleteSigningKey, deleteSigningKey},
	{"to delete a turn that has no key is no error", docDeleteSigningKey, deleteNoSigningKey},
	{"signing keys stay until DeleteSigningKey, however old they are", docDeleteSigningKey, oldSigningKey},
	{"signing keys are copied on the way in and out", docPackage, signingKeyCopies},
	{"an ended context never looks like a verdict about a signing key", docPackage, signingKeyEndedReads},
	{"an ended context creates and deletes no signing key", docPackage, signingKeyEndedWrites},
}, signingKeyRaceRules)

// newTurn draws a turn that nobody else has. It has more digits than a float64
// holds exactly, and its neighbours are free.
func newTurn() int64 { return 1<<60 + 10*rand.Int64N(1<<58) }

// newSigningKey returns a key that can be created.
func newSigningKey(turn int64) *storage.SigningKey {
	return &storage.SigningKey{
		Turn: turn, ID: "kid-" + crand.Text(), AnnouncedAt: now(), Sealed: []byte(crand.Text()), SealedWith: 1,
	}
}

// createSigningKey creates keys, and deletes them when the rule is over: a store
// lists all that it has, and a host would sign with the last of them.
func (t *tester) createSigningKey(s storage.SigningKeys, all ...*storage.SigningKey) {
	t.Helper()
	for _, k := range all {
		t.deleteLater(s, k.Turn)
		if err := s.CreateSigningKey(t.ctx, k); err != nil {
			t.Fatalf("CreateSigningKey of a new key: got error %v, want none", err)
		}
	}
}

func (t *tester) deleteLater(s storage.SigningKeys, turn int64) {
	ctx := context.WithoutCancel(t.ctx)
	t.Cleanup(func() { _ = s.DeleteSigningKey(ctx, turn) })
}

// listed returns those keys in a store's list that have one of the turns, in its
// order.
func (t *tester) listed(s storage.SigningKeys, turns ...int64) []*storage.SigningKey {
	t.Helper()
	all, err := s.SigningKeys(t.ctx)
	if err != nil {
		t.Fatalf("SigningKeys: got error %v, want none", err)
	}
	var found []*storage.SigningKey
	for _, k := range all {
		if k == nil {
			t.Fatalf("SigningKeys: got nil for a key")
		}
		if slices.Contains(turns, k.Turn) {
			found = append(found, k)
		}
	}
	return found
}

// wantListed reports keys that are not listed as they must be, in this order.
func (t *tester) wantListed(s storage.SigningKeys, what string, want ...*storage.SigningKey) {
	t.Helper()
	var turns []int64
	for _, k := range want {
		turns = append(turns, k.Turn)
	}
	got := t.listed(s, turns...)
	if len(got) != len(want) {
		t.Errorf("SigningKeys: got %d of %s, want %d", len(got), what, len(want))
		return
	}
	for i := range want {
		t.wantSame(what, got[i], want[i])
	}
}

// wantUnlisted reports a key that must not be there.
func (t *tester) wantUnlisted(s storage.SigningKeys, what string, turn int64) {
	t.Helper()
	if got := t.listed(s, turn); len(got) > 0 {
		t.Errorf("SigningKeys: got %s, with the ID %q, want it absent", what, got[0].ID)
	}
}

func signingKeyComesBack(t *tester, s storage.SigningKeys) {
	want := filledSigningKey(t)
	want.AnnouncedAt = want.AnnouncedAt.In(time.FixedZone("east", 5*3600+1800))
	t.createSigningKey(s, want)
	t.wantListed(s, "a signing key", want)

	long := newSigningKey(newTurn())
	long.ID = strings.Repeat("x", 512-len(long.ID)) + long.ID
	long.SealedWith = 0
	t.createSigningKey(s, long)
	t.wantListed(s, "a signing key with an ID of 512 bytes", long)
}

func signingKeySealed(t *tester, s storage.SigningKeys) {
	k := newSigningKey(newTurn())
	k.Sealed = make([]byte, 16<<10)
	for i := range k.Sealed {
		k.Sealed[i] = byte(i)
	}
	t.createSigningKey(s, k)
	t.wantListed(s, "a signing key of 16 KiB", k)
}

// signingKeyOrder also has turns of different lengths: as texts, the shorter
// would come last.
func signingKeyOrder(t *tester, s storage.SigningKeys) {
	const power = 1_000_000_000_000
	spread := 1 + rand.Int64N(power/20)
	turn := newTurn()
	want := []*storage.SigningKey{
		newSigningKey(power - spread), newSigningKey(power + spread), newSigningKey(2*power + spread),
		newSigningKey(10*power - spread), newSigningKey(10*power + spread),
		newSigningKey(turn), newSigningKey(turn + 1), newSigningKey(turn + 2),
	}
	for _, i := range []int{6, 2, 0, 4, 7, 1, 5, 3} {
		t.createSigningKey(s, want[i])
	}
	t.wantListed(s, "the keys that were created in disorder", want...)
	all, err := s.SigningKeys(t.ctx)
	if ascending := slices.IsSortedFunc(all, byTurn); err != nil || !ascending {
		t.Errorf("SigningKeys: got all keys in order %t and error %v, want them by ascending turn", ascending, err)
	}
}

func duplicateSigningKey(t *tester, s storage.SigningKeys) {
	turn := newTurn()
	first, neighbour := newSigningKey(turn), newSigningKey(turn+1)
	t.createSigningKey(s, first, neighbour)
	sameTurn, sameID, both := newSigningKey(turn), newSigningKey(turn+2), newSigningKey(turn)
	sameID.ID = first.ID
	both.ID = neighbour.ID
	t.deleteLater(s, sameID.Turn)
	for what, k := range map[string]*storage.SigningKey{
		"a turn that is taken": sameTurn, "an ID that is taken": sameID, "what is there already": first,
		"the turn of one key and the ID of another": both,
	} {
		t.wantErr("CreateSigningKey with "+what, s.CreateSigningKey(t.ctx, k), storage.ErrExists)
	}
	t.wantListed(s, "the keys that were first", first, neighbour)
	t.wantUnlisted(s, "a key whose ID was taken", sameID.Turn)
}

func signingKeyIdentifiers(t *tester, s storage.SigningKeys) {
	var want []*storage.SigningKey
	turn := newTurn()
	for i, id := range alike("Kid_" + crand.Text()) {
		k := newSigningKey(turn + int64(i))
		k.ID = id
		t.createSigningKey(s, k)
		want = append(want, k)
	}
	t.wantListed(s, "the keys whose IDs are alike", want...)
	t.wantErr("CreateSigningKey with an ID that is taken", s.CreateSigningKey(t.ctx, &storage.SigningKey{
		Turn: turn - 1, ID: want[3].ID, AnnouncedAt: now(), Sealed: []byte("x"), SealedWith: 1,
	}), storage.ErrExists)
}

func brokenSigningKeyIdentifiers(t *tester, s storage.SigningKeys) {
	turn := newTurn()
	whole := newSigningKey(turn)
	t.createSigningKey(s, whole)
	for i, id := range broken(whole.ID) {
		k := newSigningKey(turn + 1 + int64(i))
		k.ID = id
		t.deleteLater(s, k.Turn)
		if err := s.CreateSigningKey(t.ctx, k); err != nil {
			if len(verdicts(err)) > 0 {
				t.Errorf("CreateSigningKey with the ID %q: got %v, want nil or an outage", id, err)
			}
			t.wantUnlisted(s, "what was refused", k.Turn)
			continue
		}
		t.wantListed(s, fmt.Sprintf("a key with the ID %q", id), k)
	}
	t.wantListed(s, "the key whose ID is whole", whole)
}

func deleteSigningKey(t *tester, s storage.SigningKeys) {
	turn := newTurn()
	before, k, after := newSigningKey(turn), newSigningKey(turn+1), newSigningKey(turn+2)
	t.createSigningKey(s, before, k, after)
	t.wantErr("DeleteSigningKey", s.DeleteSigningKey(t.ctx, k.Turn), nil)
	t.wantUnlisted(s, "what was deleted", k.Turn)
	t.wantListed(s, "the keys beside what was deleted", before, after)

	again := newSigningKey(k.Turn)
	t.createSigningKey(s, again)
	t.wantListed(s, "another key for the turn", again)
	t.wantErr("DeleteSigningKey of that one", s.DeleteSigningKey(t.ctx, again.Turn), nil)
	moved := newSigningKey(turn + 3)
	moved.ID = k.ID
	t.createSigningKey(s, moved)
	t.wantListed(s, "a key with the ID of what was deleted", before, after, moved)
}

func deleteNoSigningKey(t *tester, s storage.SigningKeys) {
	k := newSigningKey(newTurn())
	t.createSigningKey(s, k)
	for _, turn := range []int64{k.Turn - 1, k.Turn + 1, 0, -k.Turn} {
		t.wantErr(fmt.Sprintf("DeleteSigningKey(%d), where there is none", turn), s.DeleteSigningKey(t.ctx, turn), nil)
	}
	t.wantListed(s, "the key beside them", k)
	for range 2 {
		t.wantErr("DeleteSigningKey", s.DeleteSigningKey(t.ctx, k.Turn), nil)
	}
}

// oldSigningKey also calls the DeleteExpired that a store may have: how long a
// key is needed is not the store's to know.
func oldSigningKey(t *tester, s storage.SigningKeys) {
	k := newSigningKey(newTurn())
	k.AnnouncedAt = time.Date(2001, 2, 3, 4, 5, 6, 7000, time.UTC)
	t.createSigningKey(s, k)
	if e, ok := s.(expirer); ok {
		t.deleteExpired(e, now(), 0)
	}
	t.wantListed(s, "an old signing key", k)
}

func signingKeyCopies(t *tester, s storage.SigningKeys) {
	in := filledSigningKey(t)
	want := deepCopy(in)
	t.createSigningKey(s, in)
	scribble(in)
	t.wantListed(s, "a signing key, after what was created was changed,", want)
	for _, out := range t.listed(s, want.Turn) {
		scribble(out)
	}
	t.wantListed(s, "a signing key, after what was listed was changed,", want)
	if all, err := s.SigningKeys(t.ctx); err == nil {
		clear(all)
	}
	t.wantListed(s, "a signing key, after a list was changed,", want)
}

func signingKeyEndedReads(t *tester, s storage.SigningKeys) {
	k := newSigningKey(newTurn())
	t.createSigningKey(s, k)
	for _, ctx := range endedContexts(t.ctx) {
		_, err := s.SigningKeys(ctx)
		t.wantEnded("SigningKeys", ctx, err)
		t.wantEnded("CreateSigningKey of what is there", ctx, s.CreateSigningKey(ctx, k))
	}
}

func signingKeyEndedWrites(t *tester, s storage.SigningKeys) {
	k := newSigningKey(newTurn())
	t.createSigningKey(s, k)
	for _, ctx := range endedContexts(t.ctx) {
		created := newSigningKey(k.Turn + 1)
		t.deleteLater(s, created.Turn)
		t.wantEnded("CreateSigningKey", ctx, s.CreateSigningKey(ctx, created))
		t.wantUnlisted(s, "what was to be created", created.Turn)
		t.wantEnded("DeleteSigningKey", ctx, s.DeleteSigningKey(ctx, k.Turn))
		t.wantListed(s, "what was to be deleted", k)
	}
}
