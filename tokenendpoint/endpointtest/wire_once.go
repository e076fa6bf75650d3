package endpointtest

import (
	"strings"
	"testing"

	"github.com/contit/oauth/tokenendpoint/internal/testbed"
)

// wireRules is the wire over a store, once. All that no store can change of it is
// in the vectors of package tokenendpoint.
var wireRules = []rule{
	{"A01_C01_every_grant_as_a_form_and_as_JSON", everyGrantOnce},
	{"B18_D15_C19_odd_characters_in_a_client_and_its_secret", oddClient},
	{"D05_B17_no_name_of_a_client_is_an_outage", oddNames},
}

func everyGrantOnce(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open, testbed.WithOwnGrants)
	p := f.NewWideClient()
	for _, w := range testbed.Ways() {
		f.Sub(w.Name, func() {
			for _, as := range []testbed.Spelling{func(r *testbed.Request) *testbed.Request { return r }, (*testbed.Request).JSON} {
				f.Send(as(w.Request(f, p))).Granted("read write")
			}
		})
	}
}

func oddClient(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open, testbed.Patient) // its hash is slow
	r := testbed.Form("grant_type", "client_credentials")
	for _, r := range append(testbed.Both(r.Basic(f.Sp.ID, f.Sp.Secret)), testbed.Both(r.Post(f.Sp))...) {
		if got := f.Send(r).Tokens().Claims["client_id"]; got != f.Sp.ID {
			t.Errorf("client_id is %v, want %s", got, f.Sp.ID)
		}
	}
	f.Send(r.Post(f.Sp.Showing(strings.ReplaceAll(f.Sp.Secret, "+", " ")))).Unauthorized()
}

// oddNames asks for clients that no store has, under names that a database may
// find odd. All of them look like a wrong secret.
func oddNames(t *testing.T, open testbed.Opener) {
	f := testbed.New(t, open)
	want := f.Send(testbed.ClientCredentials(f.C1.Showing(testbed.WrongSecret)))
	want.Unauthorized()
	for _, name := range []string{
		"ghost", "gho:st é", "世😀", "%", "_", "'; --", `\`, f.C1.ID + " ", strings.ToUpper(f.C1.ID), strings.Repeat("a", 4096), strings.Repeat("é", 2048),
	} {
		p := f.C1.Named(name)
		for _, r := range append(testbed.Both(testbed.ClientCredentials(p)), testbed.Both(testbed.Posted(p))...) {
			f.Send(r).SameAs(want, testbed.Short(name))
		}
	}
}
