package tokenendpoint

import (
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// The endpoint goes on with its own value of every field of a Request, of later
// fields too.
func TestLendTakesBackNoField(t *testing.T) {
	x := new(exchange)
	x.request = &grants.Request{
		GrantType: "own", Issuer: "https://as.test", Client: &storage.Client{ID: "c1", Scope: []string{"read"}}, AuthMethod: storage.AuthNone,
		Scope: []string{"read"}, Resource: []string{"https://api.test"}, Form: grants.Form{"a": "b"},
		Time: time.Now(), HTTP: new(http.Request), Storage: storage.Parts{},
	}
	own := *x.request
	for i, r := 0, reflect.ValueOf(own); i < r.NumField(); i++ {
		if f := r.Type().Field(i); f.IsExported() && r.Field(i).IsZero() {
			t.Errorf("this test does not fill %s", f.Name)
		}
	}
	var lent *grants.Request
	x.lend(func(r *grants.Request) error {
		lent = r
		if r.Client == own.Client || &r.Scope[0] == &own.Scope[0] || &r.Resource[0] == &own.Resource[0] {
			t.Error("the host gets the values by which the endpoint judges, not a copy")
		}
		r.Form["a"] = "c"
		r.Client.Scope[0] = "root"
		*r = grants.Request{}
		return nil
	})
	got, want := reflect.ValueOf(*x.request), reflect.ValueOf(own)
	for i := range got.NumField() {
		if f := got.Type().Field(i); f.IsExported() && !reflect.DeepEqual(got.Field(i).Interface(), want.Field(i).Interface()) {
			t.Errorf("%s is %v, want it unchanged: %v", f.Name, got.Field(i), want.Field(i))
		}
	}
	if x.request.Form["a"] != "b" || x.request.Client.Scope[0] != "read" || lent == x.request {
		t.Errorf("the request is %v for %v, want it unchanged", map[string]string(x.request.Form), x.request.Client)
	}
}
