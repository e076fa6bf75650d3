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

// forgetful is a store that forgets a field: on the way out, or of what Spend
// adds, which many stores write with a statement of its own.
type forgetful struct {
	*memory.Store
	forgetOut  func(record any)
	forgetNext func(record any)
}

// Credential forgets.
func (s forgetful) Credential(ctx context.Context, d storage.Digest) (*storage.Credential, error) {
	c, err := s.Store.Credential(ctx, d)
	if err == nil && s.forgetOut != nil {
		s.forgetOut(c)
	}
	return c, err
}

// Spend forgets.
func (s forgetful) Spend(ctx context.Context, old, next *storage.Credential, at time.Time) error {
	if next != nil && s.forgetNext != nil {
		next = next.Clone()
		s.forgetNext(next)
	}
	return s.Store.Spend(ctx, old, next, at)
}

// Client forgets.
func (s forgetful) Client(ctx context.Context, id string) (*storage.Client, error) {
	c, err := s.Store.Client(ctx, id)
	if err == nil {
		s.forgetOut(c)
	}
	return c, err
}

// APIKey forgets.
func (s forgetful) APIKey(ctx context.Context, d storage.Digest) (*storage.APIKey, error) {
	k, err := s.Store.APIKey(ctx, d)
	if err == nil {
		s.forgetOut(k)
	}
	return k, err
}

const (
	ruleClient     = "a client is found with every field as it was put"
	ruleAPIKey     = "an API key is found with every field as it was put"
	ruleCredential = "a credential is found with every field as it was created"
	ruleSpend      = "Spend sets SpentAt, Uses, Salt and FamilyExpiresAt, adds next, and changes nothing else"
)

// zeroes returns what forgets the field i of a record.
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
			case "Uses", "SpentAt", "Salt": // only what was spent has them
				return ruleSpend
			}
			return ruleCredential
		}},
	} {
		for i := range of.record.NumField() {
			field := of.record.Field(i).Name
			t.Run(of.record.Name()+"."+field, func(t *testing.T) {
				wantRejected(t, of.rule(field), forgetful{Store: new(memory.Store), forgetOut: zeroes(i)})
			})
		}
	}
}

func TestRejectsLostFieldOfClientSecret(t *testing.T) {
	for i := range reflect.TypeFor[storage.ClientSecret]().NumField() {
		t.Run(reflect.TypeFor[storage.ClientSecret]().Field(i).Name, func(t *testing.T) {
			forget := func(record any) {
				c := record.(*storage.Client)
				for j := range c.Secrets {
					zeroes(i)(&c.Secrets[j])
				}
			}
			wantRejected(t, ruleClient, forgetful{Store: new(memory.Store), forgetOut: forget})
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
				wantRejected(t, ruleSpend, forgetful{Store: new(memory.Store), forgetNext: zeroes(i)})
			})
		}
	}
}

var _ storagetest.Store = forgetful{}
