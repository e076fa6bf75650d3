package grants_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
)

const kindInvite = "invite"

func keepInvite(t testing.TB, store *memory.Store, edit func(*storage.Credential)) storage.Secret {
	t.Helper()
	return keep(t, store, kindInvite, "inv_", edit)
}

// wantVerdict asserts that an error is a verdict with this code.
func wantVerdict(t testing.TB, err error, want grants.ErrorCode) {
	t.Helper()
	if v := grants.Verdict(err); v == nil || v.Code != want {
		t.Errorf("got the error %v, want %s", err, want)
	}
}

func TestPresentIsRemembered(t *testing.T) {
	store := new(memory.Store)
	secret := keepInvite(t, store, nil)
	r := request(store)
	if record, shown, ok := r.Presented(); ok || !shown.Empty() || record != nil {
		t.Errorf("before: got %+v and %t, want nothing", record, ok)
	}
	found, err := r.Present(t.Context(), kindInvite, secret)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := store.Credential(t.Context(), secret.Digest(kindInvite))
	if err != nil || !reflect.DeepEqual(found, stored) {
		t.Errorf("got  %+v\nwant %+v, %v", found, stored, err)
	}

	// A grant that changes its copies changes nothing else.
	found.Family, found.Scope[0] = "mine", "root"
	record, shown, ok := r.Presented()
	if !ok || shown.Reveal() != secret.Reveal() || !reflect.DeepEqual(record, stored) {
		t.Errorf("got  %+v, %t\nwant %+v and the secret that was shown", record, ok, stored)
	}
	record.Scope[0] = "root"
	if again, _, _ := r.Presented(); again.Scope[0] == "root" {
		t.Error("the result of Presented shares its scope with the request")
	}
}

// Only one can be used up in one step.
func TestPresentTwice(t *testing.T) {
	store := new(memory.Store)
	first, second := keepInvite(t, store, nil), keepInvite(t, store, nil)
	r := request(store)
	if _, err := r.Present(t.Context(), kindInvite, storage.NewSecret("inv_")); !errors.Is(err, grants.InvalidGrant) {
		t.Errorf("an unknown one: got %v, want invalid_grant", err)
	}
	if _, err := r.Present(t.Context(), kindInvite, first); err != nil {
		t.Errorf("after one that was refused: got %v, want no error", err)
	}
	for name, secret := range map[string]storage.Secret{"another": second, "the same": first, "an unknown one": storage.NewSecret("inv_")} {
		got, err := r.Present(t.Context(), kindInvite, secret)
		if got != nil {
			t.Errorf("%s: got %+v, want nothing", name, got)
		}
		wantVerdict(t, err, grants.ServerError)
	}
	if _, shown, _ := r.Presented(); shown.Reveal() != first.Reveal() {
		t.Error("the second has replaced the first")
	}
}

func TestPresentRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(*storage.Credential)
		want grants.ErrorCode
	}{
		{"another issuer's", func(c *storage.Credential) { c.Issuer = "https://other.test" }, grants.InvalidGrant},
		{"another issuer's of another client, revoked", func(c *storage.Credential) {
			c.Issuer, c.ClientID, c.Revoked = "https://other.test", "c2", true
		}, grants.InvalidGrant},
		{"one whose issuer the store lost", func(c *storage.Credential) { c.Issuer = "" }, grants.ServerError},
		{"another client's", func(c *storage.Credential) { c.ClientID = "c2" }, grants.InvalidGrant},
		{"a revoked one", func(c *storage.Credential) { c.Revoked = true }, grants.InvalidGrant},
		{"one that expires now", func(c *storage.Credential) { c.ExpiresAt = at }, grants.InvalidGrant},
		{"one whose family ends now", func(c *storage.Credential) { c.FamilyExpiresAt = at }, grants.InvalidGrant},
		{"one of another kind under this digest", func(c *storage.Credential) { c.Kind = storage.KindRefreshToken }, grants.InvalidGrant},
		{"one whose family the store lost", func(c *storage.Credential) { c.Family = "" }, grants.ServerError},
		{"one whose family's end the store lost", func(c *storage.Credential) { c.FamilyExpiresAt = time.Time{} }, grants.ServerError},
		{"another record", func(c *storage.Credential) { c.Digest[0]++ }, grants.ServerError},
		{"one of an API key that is gone", func(c *storage.Credential) { c.APIKey[0] = 1 }, grants.ServerError},
	} {
		t.Run(c.name, func(t *testing.T) {
			secret := storage.NewSecret("inv_")
			record, err := grants.NewCredential(secret, storage.Credential{
				Kind: kindInvite, Issuer: issuer, ClientID: "c1", Subject: "u1", ExpiresAt: at.Add(time.Minute),
			}, at)
			if err != nil {
				t.Fatal(err)
			}
			c.edit(record)
			r := request(broken{credential: record, key: &storage.APIKey{}}) // any store, a faulty one too
			got, err := r.Present(t.Context(), kindInvite, secret)
			if got != nil {
				t.Errorf("got %+v, want nothing", got)
			}
			wantVerdict(t, err, c.want)
			if _, _, ok := r.Presented(); ok {
				t.Error("a refused credential counts as presented")
			}
		})
	}
	t.Run("a secret of another kind", func(t *testing.T) {
		store := new(memory.Store)
		secret := keepInvite(t, store, nil)
		_, err := request(store).Present(t.Context(), storage.KindRefreshToken, secret)
		wantVerdict(t, err, grants.InvalidGrant)
	})
}

func TestPresentAgain(t *testing.T) {
	wantVerdict(t, request(nil).PresentAgain(t.Context()), grants.ServerError) // nothing was presented

	store := new(memory.Store)
	secret := keepInvite(t, store, func(c *storage.Credential) { c.Family = "f" })
	r := request(store)
	found, err := r.Present(t.Context(), kindInvite, secret)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Spend(t.Context(), found, nil, at); err != nil {
		t.Fatal(err)
	}
	if record, _, _ := r.Presented(); record.Spent() {
		t.Error("before: it is spent, want the record as it was found")
	}
	if err := r.PresentAgain(t.Context()); err != nil {
		t.Fatalf("somebody else was first: got %v, want no error", err)
	}
	if record, shown, ok := r.Presented(); !ok || !record.Spent() || shown.Reveal() != secret.Reveal() {
		t.Errorf("after: got %+v and %t, want it spent, by the same secret", record, ok)
	}
	if err := store.Revoke(t.Context(), "f"); err != nil {
		t.Fatal(err)
	}
	wantVerdict(t, r.PresentAgain(t.Context()), grants.InvalidGrant)
	r.Storage = broken{err: errOutage}
	wantOutage(t, nil, r.PresentAgain(t.Context()), errOutage)
}

// A key that is ended between the look-ups ends the request.
func TestPresentAgainAsksForTheKey(t *testing.T) {
	store := new(memory.Store)
	_, key := keepKey(t, store, nil)
	secret := keepRefreshToken(t, store, func(c *storage.Credential) { c.APIKey = key.Digest })
	r := request(store)
	if _, err := r.Present(t.Context(), storage.KindRefreshToken, secret); err != nil {
		t.Fatal(err)
	}
	key.RevokedAt = at
	if err := store.PutAPIKey(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	wantVerdict(t, r.PresentAgain(t.Context()), grants.InvalidGrant)
}

// The endpoint changes the record that it takes. A copy of the request that the host's
// code has must not show that, nor change the record.
func TestTakenIsTheEndpointsOwn(t *testing.T) {
	store := new(memory.Store)
	r := request(store)
	if _, err := r.Present(t.Context(), kindInvite, keepInvite(t, store, nil)); err != nil {
		t.Fatal(err)
	}
	taken, _, ok := r.Taken()
	if !ok {
		t.Fatal("nothing was taken")
	}
	family := taken.Family
	r.Share()
	lent := *r
	taken.Salt, taken.Family = []byte("salt"), "other"
	if seen, _, _ := lent.Presented(); seen.Salt != nil || seen.Family != family {
		t.Errorf("the host sees %+v, which the endpoint has changed", seen)
	}
	if stolen, _, _ := lent.Taken(); stolen == taken {
		t.Error("the host gets the record of the endpoint")
	} else if again, _, _ := lent.Taken(); again == stolen {
		t.Error("two calls for the host share a record")
	}
}
