package storagetest

import (
	"crypto/rand"
	"fmt"
	"reflect"
	"strings"

	"github.com/contit/oauth/storage"
)

var clientRules = []rule[Clients]{
	{"a client is found with every field as it was put", docClient, clientComesBack},
	{"a client with nothing but an ID is found with zero values", docClientType, bareClient},
	{"a client's nil list stays nil and its empty list stays empty", docClientType, clientLists},
	{"a client with a hundred scopes and redirect URIs is found whole", docClient, largeClient},
	{"an unknown client is ErrNotFound", docClient, unknownClient},
	{"client identifiers are compared byte for byte", docClient, clientIdentifiers},
	{"an identifier with NUL or broken UTF-8 finds no client", docClient, brokenClientIdentifiers},
	{"clients are copied on the way in and out", docPackage, clientCopies},
	{"an ended context never looks like a verdict about a client", docPackage, clientContext},
}

func (t *tester) putClient(s Clients, c *storage.Client) {
	t.Helper()
	if err := s.PutClient(t.ctx, c); err != nil {
		t.Fatalf("PutClient of a new client: got error %v, want none", err)
	}
}

func (t *tester) findClient(s Clients, id string) *storage.Client {
	t.Helper()
	c, err := s.Client(t.ctx, id)
	if err != nil || c == nil {
		t.Fatalf("Client of an ID that is there: got %v and error %v, want it", c, err)
	}
	return c
}

func clientComesBack(t *tester, s Clients) {
	for what, change := range map[string]func(*storage.ClientAssertion){
		"a client":                              func(*storage.ClientAssertion) {},
		"a client with keys":                    func(a *storage.ClientAssertion) { a.JWKS = []byte(`{"keys": [], "b":1, "a":true}`) },
		"a client with the address of its keys": func(a *storage.ClientAssertion) { a.JWKSURI = "https://app.test/jwks?n=" + rand.Text() },
	} {
		want := filledClient(t)
		if change(&want.Assertion); want.Assertion.JWKS != nil || want.Assertion.JWKSURI != "" {
			want.Assertion.Issuer, want.Assertion.Claims = "", nil
		}
		t.putClient(s, want)
		t.wantSame(what, t.findClient(s, want.ID), want)
	}
}

func bareClient(t *tester, s Clients) {
	want := &storage.Client{ID: "bare-" + rand.Text()}
	t.putClient(s, want)
	t.wantSame("a client with only an ID", t.findClient(s, want.ID), want)

	want = &storage.Client{ID: "bare-" + rand.Text(), Secrets: []storage.ClientSecret{{ID: "1"}}}
	t.putClient(s, want)
	t.wantSame("a client whose secret has no bounds in time", t.findClient(s, want.ID), want)

	for i := range reflect.TypeFor[storage.Client]().NumField() {
		want = &storage.Client{ID: "bare-" + rand.Text()}
		if f := reflect.ValueOf(want).Elem().Field(i); f.Kind() == reflect.Bool && f.Addr().Interface() != &want.Unvetted { // which no store needs to keep
			f.SetBool(true)
			t.putClient(s, want)
			t.wantSame("a client with one flag", t.findClient(s, want.ID), want)
		}
	}
}

func clientLists(t *tester, s Clients) {
	absent := &storage.Client{ID: "nil-" + rand.Text()}
	empty := &storage.Client{ID: "empty-" + rand.Text(), DefaultScope: []string{}, Audience: []string{}}
	for _, c := range []*storage.Client{absent, empty} {
		t.putClient(s, c)
		got := t.findClient(s, c.ID)
		t.wantNil("DefaultScope", got.DefaultScope, c.DefaultScope)
		t.wantNil("Audience", got.Audience, c.Audience)
		if got.Assertion.JWKS != nil || got.Assertion.Claims != nil {
			t.Errorf("Assertion.JWKS and Assertion.Claims: got %#v and %#v, want nil: an empty text would be a second source of keys", got.Assertion.JWKS, got.Assertion.Claims)
		}
	}
}

// wantNil reports a list that is nil where nil means "the default" and an empty
// list means "none", or the reverse.
func (t *tester) wantNil(field string, got, want []string) {
	t.Helper()
	if (got == nil) != (want == nil) || len(got) != len(want) {
		t.Errorf("%s: got %#v, want %#v; nil stands for a default", field, got, want)
	}
}

func largeClient(t *tester, s Clients) {
	want := filledClient(t)
	want.Scope, want.RedirectURIs = manyStrings("scope"), manyStrings("https://app.test/callback?n=")
	t.putClient(s, want)
	t.wantSame("a large client", t.findClient(s, want.ID), want)
}

func manyStrings(prefix string) []string {
	list := make([]string, 100)
	for i := range list {
		list[i] = fmt.Sprintf("%s%d", prefix, i)
	}
	return list
}

func unknownClient(t *tester, s Clients) {
	for _, id := range []string{"unknown-" + rand.Text(), ""} {
		_, err := s.Client(t.ctx, id)
		t.wantErr(fmt.Sprintf("Client(%q)", id), err, storage.ErrNotFound)
	}
}

func clientIdentifiers(t *tester, s Clients) {
	id := "Client_" + rand.Text()
	first := &storage.Client{ID: id, Scope: []string{"first"}}
	t.putClient(s, first)
	others := []string{
		strings.ToLower(id), strings.ToUpper(id), id + " ", " " + id, strings.Replace(id, "_", "%", 1), id + "'",
		id + "\u00e9", id + "e\u0301", // one letter, composed and not
	}
	for _, other := range others {
		if got, err := s.Client(t.ctx, other); err == nil {
			t.Errorf("Client(%q): got client %q, want storage.ErrNotFound", other, got.ID)
		}
	}
	for _, other := range others {
		c := &storage.Client{ID: other, Audience: []string{"audience of " + strings.TrimSpace(other)}}
		t.putClient(s, c)
		t.wantSame(fmt.Sprintf("client %q", other), t.findClient(s, other), c)
	}
	t.wantSame(fmt.Sprintf("client %q", id), t.findClient(s, id), first)
}

// broken returns spellings that a careless store takes for id: it cuts them at
// the NUL, or drops or replaces the bytes that it cannot read.
func broken(id string) []string {
	return []string{id + "\x00", id + "\x00x", "\x00" + id, id + "\xff", "\xc3" + id, id[:4] + "\xff" + id[4:]}
}

func brokenClientIdentifiers(t *tester, s Clients) {
	c := filledClient(t)
	t.putClient(s, c)
	for _, id := range broken(c.ID) {
		if got, err := s.Client(t.ctx, id); err == nil {
			t.Errorf("Client(%q): got client %q, want storage.ErrNotFound or an outage", id, got.ID)
		}
	}
}

func clientCopies(t *tester, s Clients) {
	in := filledClient(t)
	want := deepCopy(in)
	t.putClient(s, in)
	scribble(in)
	out := t.findClient(s, want.ID)
	t.wantSame("a client, after what was put was changed,", out, want)
	scribble(out)
	t.wantSame("a client, after what was found was changed,", t.findClient(s, want.ID), want)
}

func clientContext(t *tester, s Clients) {
	c := filledClient(t)
	t.putClient(s, c)
	for _, ctx := range endedContexts(t.ctx) {
		for _, id := range []string{c.ID, "unknown-" + rand.Text()} {
			_, err := s.Client(ctx, id)
			t.wantEnded("Client", ctx, err)
		}
	}
}
