//go:build !race

package tokenendpoint_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/tokenendpoint"
)

// TestA33StrangersCostLittle takes the least of many times, which a busy machine
// does not change much. The race detector changes it, so that this is not built
// with it.
func TestA33StrangersCostLittle(t *testing.T) {
	bed := newBed(t, benchKeys()[0])
	plain := bed.requests(t, grants.TypeClientCredentials, 1)()
	for _, s := range strangers {
		t.Run(s.name, func(t *testing.T) {
			strange, usual := time.Hour, time.Hour
			body := s.body()
			for range 50 {
				strange = min(strange, bed.stranger(t, s.contentType, s.header, s.query, body))
				usual = min(usual, bed.stranger(t, "", "", "", plain))
			}
			if strange > 10*usual {
				t.Errorf("a request of a stranger takes %s and a plain one %s, want at most ten times as much", strange, usual)
			}
		})
	}
}

// The other readers have authenticated nobody either. They read up to 60 KiB of JSON or
// escapes, and none of them signs: a plain request costs little beside that.
func TestA33ReadersCostLittle(t *testing.T) {
	all, bed := readersOf(t)
	plain := bed.requests(t, grants.TypeClientCredentials, 1)()
	for _, r := range all {
		t.Run(r.name, func(t *testing.T) {
			strange, usual := time.Hour, time.Hour
			for range 20 {
				strange, usual = min(strange, r.ask()), min(usual, bed.stranger(t, "", "", "", plain))
			}
			if strange > 40*usual {
				t.Errorf("a request of a stranger takes %s and a plain one %s, want at most forty times as much", strange, usual)
			}
		})
	}
}

// A client that is registered for thousands of scopes may ask for all of them.
// Each list that its request meets is read once, and not once for each of them.
func TestA33ManyScopesOfAClient(t *testing.T) {
	scope := scopeOf(1364, 2)
	bed := newBedWith(t, benchKeys()[0], func(c *tokenendpoint.Config) {
		c.MaxTokenSize = 16 << 10
		c.Grants[grants.TypeClientCredentials] = grants.ClientCredentials{Hook: func(context.Context, *grants.Request, *grants.Authorization) error { return nil }}
	})
	plain := bed.requests(t, grants.TypeClientCredentials, 1)() + "&scope="
	bed.client.Scope = strings.Split(scope, "+")
	if err := bed.store.PutClient(t.Context(), bed.client); err != nil {
		t.Fatal(err)
	}
	slices.Reverse(bed.client.Scope)
	small := newBed(t, benchKeys()[0])
	usual := small.requests(t, grants.TypeClientCredentials, 1)()
	many, one := time.Hour, time.Hour
	for range 50 {
		many = min(many, bed.stranger(t, "", "", "", plain+strings.Join(bed.client.Scope, "+")))
		if bed.answer.status != http.StatusOK {
			t.Fatalf("got status %d, want a token", bed.answer.status)
		}
		one = min(one, small.stranger(t, "", "", "", usual))
	}
	if many > 50*one { // it is eleven times
		t.Errorf("a request for 1364 scopes takes %s and a plain one %s, want at most fifty times as much", many, one)
	}
}
