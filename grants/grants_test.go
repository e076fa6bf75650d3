package grants_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
)

// at is the instant of every request of these tests.
var at = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

var errOutage = errors.New("the database is away")

// issuer is the issuer of the endpoint of these requests.
const issuer = "https://as.test"

// client is a confidential client that may do everything.
func client() *storage.Client {
	return &storage.Client{
		ID:           "c1",
		GrantTypes:   []string{grants.TypeClientCredentials, grants.TypeRefreshToken, grants.TypeAuthorizationCode, grants.TypeAPIKey},
		Scope:        []string{"read", "write", "admin:x"},
		RedirectURIs: []string{"https://c1.test/cb"},
	}
}

// request is a request of client with parameters, names and values in turn. A
// scope parameter is parsed too, as the endpoint does.
func request(store storage.Reader, params ...string) *grants.Request {
	r := &grants.Request{
		Issuer:     issuer,
		Client:     client(),
		AuthMethod: storage.ClientSecretBasic,
		Form:       grants.Form{},
		Time:       at,
		HTTP:       httptest.NewRequest("POST", "/connect/token", nil),
		Storage:    store,
	}
	for i := 0; i < len(params); i += 2 {
		r.Form[params[i]] = params[i+1]
		if params[i] == "scope" {
			r.Scope = strings.Fields(params[i+1])
		}
	}
	return r
}

// keep stores a credential of a kind, drawn with a prefix, for u1 at c1.
func keep(t testing.TB, store *memory.Store, kind, prefix string, edit func(*storage.Credential)) storage.Secret {
	t.Helper()
	secret := storage.NewSecret(prefix)
	c := &storage.Credential{
		Digest:          secret.Digest(kind),
		Kind:            kind,
		Family:          "family of " + secret.Digest(kind).String(),
		Issuer:          issuer,
		ClientID:        "c1",
		Subject:         "u1",
		Scope:           []string{"read", "write"},
		IssuedAt:        at.Add(-time.Second),
		ExpiresAt:       at.Add(time.Minute),
		FamilyExpiresAt: at.Add(time.Hour),
	}
	if edit != nil {
		edit(c)
	}
	if err := store.CreateCredential(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return secret
}

// wantGranted compares the authorization of r, except for its hook. spends is the
// secret of the credential that it uses up, or empty.
func wantGranted(t testing.TB, r *grants.Request, got *grants.Authorization, err error, want grants.Authorization, spends storage.Secret) {
	t.Helper()
	if err != nil {
		t.Fatalf("got the error %v, want an authorization", err)
	}
	record, secret, ok := r.Presented()
	switch {
	case ok == spends.Empty():
		t.Errorf("something is used up: got %t, want %t", ok, !ok)
	case secret.Reveal() != spends.Reveal():
		t.Error("something else is used up than was presented")
	case ok && !record.Digest.Equal(spends.Digest(record.Kind)):
		t.Error("the record to use up is not the record of the presented credential")
	}
	plain := *got
	plain.Hook = nil
	if !reflect.DeepEqual(plain, want) {
		t.Errorf("got  %+v\nwant %+v", plain, want)
	}
}

// wantRefused asserts that a refusal is a verdict with this code.
func wantRefused(t testing.TB, got *grants.Authorization, err error, want grants.ErrorCode) {
	t.Helper()
	if v := grants.Verdict(err); got != nil || v == nil || v.Code != want {
		t.Errorf("got %+v and the error %v, want %s", got, err, want)
	}
}

// wantOutage asserts that an error is handed on and is no verdict.
func wantOutage(t testing.TB, got *grants.Authorization, err, want error) {
	t.Helper()
	if got != nil || !errors.Is(err, want) || grants.Verdict(err) != nil {
		t.Errorf("got %+v and the error %v, want %v and no verdict", got, err, want)
	}
}

// broken is a store that fails, or that answers with a record of its own.
type broken struct {
	err        error
	credential *storage.Credential
	key        *storage.APIKey
}

func (b broken) Credential(context.Context, storage.Digest) (*storage.Credential, error) {
	return b.credential, b.err
}

func (b broken) APIKey(context.Context, storage.Digest) (*storage.APIKey, error) { return b.key, b.err }

func TestClientCredentials(t *testing.T) {
	for _, c := range []struct {
		name  string
		grant grants.ClientCredentials
		edit  func(*storage.Client)
		scope string
		want  grants.Authorization
		code  grants.ErrorCode
	}{
		{name: "all that the client is registered for", want: grants.Authorization{Subject: "c1", Scope: []string{"read", "write", "admin:x"}}},
		{name: "its default, if it has one", edit: func(c *storage.Client) { c.DefaultScope = []string{"read"} }, want: grants.Authorization{Subject: "c1", Scope: []string{"read"}}},
		{name: "an empty default is nothing, not all", edit: func(c *storage.Client) { c.DefaultScope = []string{} }, want: grants.Authorization{Subject: "c1", Scope: []string{}}},
		{name: "more than the default, if asked", edit: func(c *storage.Client) { c.DefaultScope = []string{"read"} }, scope: "write", want: grants.Authorization{Subject: "c1", Scope: []string{"read", "write", "admin:x"}}},
		{name: "a refresh token if the host says so", grant: grants.ClientCredentials{Refresh: true}, want: grants.Authorization{Subject: "c1", Scope: []string{"read", "write", "admin:x"}, Refresh: true}},
		{name: "not to a public client", edit: func(c *storage.Client) { c.AuthMethod = storage.AuthNone }, code: grants.UnauthorizedClient},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := request(nil)
			if c.scope != "" {
				r = request(nil, "scope", c.scope)
			}
			if c.edit != nil {
				c.edit(r.Client)
			}
			got, err := c.grant.Authorize(t.Context(), r)
			if c.code != "" {
				wantRefused(t, got, err, c.code)
				return
			}
			wantGranted(t, r, got, err, c.want, storage.Secret{})
			if len(got.Scope) > 0 && c.edit != nil {
				if got.Scope[0] = "changed"; slices.Contains(r.Client.DefaultScope, "changed") {
					t.Error("the scope shares its array with the client's default")
				}
			}
		})
	}
}

func TestCheckNamesWhatIsMissing(t *testing.T) {
	for _, c := range []struct {
		name   string
		grant  grants.Checker
		params []string
		header []string
		auth   string
		names  string // empty: nothing is missing
	}{
		{name: "client_credentials without a secret", grant: grants.ClientCredentials{}, auth: storage.AuthNone, names: "client_secret"},
		{name: "client_credentials", grant: grants.ClientCredentials{}, auth: storage.ClientSecretPost},
		{name: "refresh_token", grant: grants.RefreshToken{}, names: "refresh_token"},
		{name: "refresh_token is there", grant: grants.RefreshToken{}, params: []string{"refresh_token", "x"}},
		{name: "code", grant: grants.AuthorizationCode{}, names: "code"},
		{name: "code is there", grant: grants.AuthorizationCode{}, params: []string{"code", "x"}},
		{name: "api_key", grant: grants.APIKey{}, names: "api_key"},
		{name: "api_key is there", grant: grants.APIKey{}, params: []string{"api_key", "x"}},
		{name: "the header is there", grant: grants.APIKey{}, header: []string{"x"}},
		{name: "the header is empty", grant: grants.APIKey{}, header: []string{""}, names: "api_key"},
		{name: "two headers", grant: grants.APIKey{}, header: []string{"x", "y"}, names: "X-Api-Key"},
		{name: "two headers beside a key in the body", grant: grants.APIKey{}, header: []string{"x", "y"}, params: []string{"api_key", "x"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := request(nil, c.params...)
			r.Client, r.AuthMethod = nil, c.auth // it is asked before the client is known
			r.HTTP.Header["X-Api-Key"] = c.header
			err := c.grant.Check(r)
			if c.names == "" {
				if err != nil {
					t.Errorf("got %v, want no error", err)
				}
				return
			}
			v := grants.Verdict(err)
			if v == nil || v.Code != grants.InvalidRequest || !strings.Contains(v.Description, c.names) {
				t.Errorf("got %+v, want invalid_request with a description that names %s", v, c.names)
			}
		})
	}
}

func TestFuncIsCalled(t *testing.T) {
	want := &grants.Authorization{Subject: "u1"}
	r := request(nil)
	f := grants.Func(func(ctx context.Context, got *grants.Request) (*grants.Authorization, error) {
		if ctx != t.Context() || got != r {
			t.Error("the function got something else than was handed over")
		}
		return want, errOutage
	})
	if got, err := f.Authorize(t.Context(), r); got != want || err != errOutage {
		t.Errorf("got %v and %v, want the results of the function", got, err)
	}
}

func TestAddClaim(t *testing.T) {
	a := &grants.Authorization{}
	a.AddClaim("tenant", "t1")
	a.AddClaim("role", "user")
	a.AddClaim("tenant", "t2")
	if want := map[string]any{"tenant": "t2", "role": "user"}; !reflect.DeepEqual(a.Claims, want) {
		t.Errorf("got %v, want %v", a.Claims, want)
	}
}

// A form, and a request that has one, can be logged by mistake.
func TestFormDoesNotPrint(t *testing.T) {
	const secret = "rt_the-secret"
	r := request(nil, "refresh_token", secret)
	r.HTTP.Header.Set("X-Api-Key", secret)
	r.Client.Secrets = []storage.ClientSecret{{ID: "1", Hash: secret}}
	var log strings.Builder
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	logger.Info("form", "form", r.Form, "pointer", &r.Form, "in a struct", struct{ F grants.Form }{r.Form}, "request", r, "value", *r)
	slog.New(slog.NewTextHandler(&log, nil)).Info("form", "form", r.Form, "pointer", &r.Form, "request", r, "value", *r)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{r.Form, &r.Form, struct{ F grants.Form }{r.Form}, *r, r, []grants.Form{r.Form}, []*grants.Request{r}, struct{ R *grants.Request }{r}} {
			fmt.Fprintf(&log, verb+"\n", v)
		}
	}
	for _, v := range []any{r.Form, map[string]any{"form": r.Form}, r, *r} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Error(err)
		}
		log.Write(b)
	}
	for _, form := range []string{secret, fmt.Sprintf("%x", secret)} {
		if strings.Contains(log.String(), form) {
			t.Errorf("the secret was printed:\n%s", log.String())
		}
	}
	if r.Form["refresh_token"] != secret {
		t.Error("the form has lost its value")
	}
}

// A grant that wraps one of ours changes the result in place. The record behind the
// request, from which the next refresh token inherits, must not change with it.
func TestAuthorizationIsACopy(t *testing.T) {
	store := new(memory.Store)
	audience := []string{"https://a.test", "https://b.test"}
	withAudience := func(c *storage.Credential) { c.Audience = audience }
	refresh := keepRefreshToken(t, store, withAudience)
	code, _ := codeRequest(t, withAudience)
	key, _ := keepKey(t, store, func(k *storage.APIKey) { k.Audience = audience })
	for name, c := range map[string]struct {
		grant   grants.Grant
		request *grants.Request
	}{
		"client_credentials": {grants.ClientCredentials{}, request(store)},
		"refresh_token":      {grants.RefreshToken{}, request(store, "refresh_token", refresh.Reveal())},
		"authorization_code": {grants.AuthorizationCode{}, code},
		"api_key":            {grants.APIKey{}, request(store, "api_key", key.Reveal())},
	} {
		t.Run(name, func(t *testing.T) {
			client := c.request.Client.Clone()
			a, err := c.grant.Authorize(t.Context(), c.request)
			if err != nil {
				t.Fatal(err)
			}
			a.Scope = append(a.Scope[:1], "root")
			a.Scope[0] = "changed"
			if len(a.Audience) > 0 {
				if a.Audience[0] == "root" {
					t.Error("the scope grew into the audience")
				}
				a.Audience[0] = "https://changed.test"
			}
			if !reflect.DeepEqual(c.request.Client, client) {
				t.Errorf("the client is now\n%+v\nit was\n%+v", c.request.Client, client)
			}
			if p, _, ok := c.request.Presented(); ok && (p.Scope[0] == "changed" || !slices.Equal(p.Audience, audience)) {
				t.Errorf("the presented credential now has the scope %q and the audience %q", p.Scope, p.Audience)
			}
			if k, ok := c.request.APIKey(); ok && (k.Scope[0] == "changed" || !slices.Equal(k.Audience, audience)) {
				t.Errorf("the key has now the scope %q and the audience %q", k.Scope, k.Audience)
			}
		})
	}
}
