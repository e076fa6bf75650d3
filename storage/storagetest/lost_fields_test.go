package storagetest_test

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/storage/storagetest"
)

// lossy is a store that loses a field: on the way out, or of the credential that
// Spend adds, which many stores write with a statement of its own.
type lossy struct {
	*memory.Store
	loseOut  func(record any)
	loseNext func(record any)
}

// Credential loses a field.
func (s lossy) Credential(ctx context.Context, d storage.Digest) (*storage.Credential, error) {
	c, err := s.Store.Credential(ctx, d)
	if err == nil && s.loseOut != nil {
		s.loseOut(c)
	}
	return c, err
}

// Spend loses a field.
func (s lossy) Spend(ctx context.Context, old, next *storage.Credential, at time.Time) error {
	if next != nil && s.loseNext != nil {
		next = next.Clone()
		s.loseNext(next)
	}
	return s.Store.Spend(ctx, old, next, at)
}

// Client loses a field.
func (s lossy) Client(ctx context.Context, id string) (*storage.Client, error) {
	c, err := s.Store.Client(ctx, id)
	if err == nil {
		s.loseOut(c)
	}
	return c, err
}

// APIKey loses a field.
func (s lossy) APIKey(ctx context.Context, d storage.Digest) (*storage.APIKey, error) {
	k, err := s.Store.APIKey(ctx, d)
	if err == nil {
		s.loseOut(k)
	}
	return k, err
}

const (
	ruleClient     = "a client is found with every field as it was put"
	ruleAPIKey     = "an API key is found with every field as it was put"
	ruleCredential = "a credential is found with every field as it was created"
	ruleSpend      = "Spend sets SpentAt, Uses, Salt and FamilyExpiresAt, adds next, and changes nothing else"
)

// zeroes returns a function that sets the field i of a record to zero.
func zeroes(i int) func(any) {
	return func(record any) { reflect.ValueOf(record).Elem().Field(i).SetZero() }
}

func TestRejectsLostField(t *testing.T) {
	for _, of := range []struct {
		record reflect.Type
		rule   func(field string) string
	}{
		{reflect.TypeFor[storage.Client](), func(string) string { return ruleClient }},
		{reflect.TypeFor[storage.APIKey](), func(string) string { return ruleAPIKey }},
		{reflect.TypeFor[storage.Credential](), func(field string) string {
			switch field {
			case "Uses", "SpentAt", "Salt": // only spent credentials have them
				return ruleSpend
			}
			return ruleCredential
		}},
	} {
		for i := range of.record.NumField() {
			field := of.record.Field(i).Name
			if of.record == reflect.TypeFor[storage.Client]() && field == "Unvetted" {
				continue // no store needs to keep it
			}
			t.Run(of.record.Name()+"."+field, func(t *testing.T) {
				wantRejected(t, of.rule(field), lossy{Store: new(memory.Store), loseOut: zeroes(i)})
			})
		}
	}
}

func TestRejectsLostFieldOfClientSecret(t *testing.T) {
	for i := range reflect.TypeFor[storage.ClientSecret]().NumField() {
		t.Run(reflect.TypeFor[storage.ClientSecret]().Field(i).Name, func(t *testing.T) {
			lose := func(record any) {
				c := record.(*storage.Client)
				for j := range c.Secrets {
					zeroes(i)(&c.Secrets[j])
				}
			}
			wantRejected(t, ruleClient, lossy{Store: new(memory.Store), loseOut: lose})
		})
	}
}

func TestRejectsLostFieldOfClientAssertion(t *testing.T) {
	for i := range reflect.TypeFor[storage.ClientAssertion]().NumField() {
		t.Run(reflect.TypeFor[storage.ClientAssertion]().Field(i).Name, func(t *testing.T) {
			lose := func(record any) { zeroes(i)(&record.(*storage.Client).Assertion) }
			wantRejected(t, ruleClient, lossy{Store: new(memory.Store), loseOut: lose})
		})
	}
}

// An empty JWK Set beside the address of one is a client with two sources of keys.
func TestRejectsEmptyForNilInClientAssertion(t *testing.T) {
	for name, spoil := range map[string]func(a *storage.ClientAssertion){
		"JWKS":   func(a *storage.ClientAssertion) { a.JWKS = append([]byte{}, a.JWKS...) },
		"Claims": func(a *storage.ClientAssertion) { a.Claims = append([]byte{}, a.Claims...) },
	} {
		t.Run(name, func(t *testing.T) {
			spoilOut := func(record any) { spoil(&record.(*storage.Client).Assertion) }
			wantRejected(t, "a client's nil list stays nil and its empty list stays empty", lossy{Store: new(memory.Store), loseOut: spoilOut})
		})
	}
}

func TestRejectsLostFieldOfSuccessor(t *testing.T) {
	typ := reflect.TypeFor[storage.Credential]()
	for i := range typ.NumField() {
		switch field := typ.Field(i).Name; field {
		case "Uses", "SpentAt", "Salt", "Revoked": // a successor has none of them yet
		default:
			t.Run(field, func(t *testing.T) {
				wantRejected(t, ruleSpend, lossy{Store: new(memory.Store), loseNext: zeroes(i)})
			})
		}
	}
}

var _ storagetest.Store = lossy{}
