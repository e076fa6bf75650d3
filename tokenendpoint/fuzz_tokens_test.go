package tokenendpoint_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
)

// ending is a store that notes each revocation that it is asked for, and revokes
// nothing.
type ending struct {
	*memory.Store
	ended []string
}

func (s *ending) Revoke(_ context.Context, family string) error {
	s.ended = append(s.ended, family)
	return nil
}

func (s *ending) RevokeToken(_ context.Context, id string, _ time.Time) error {
	s.ended = append(s.ended, id)
	return nil
}

// FuzzTokens sends any body to the revocation and the introspection endpoint;
// {access} and {refresh} stand for two good tokens. Nothing but these, whole and
// in the one place, may be revoked or be told to be active.
func FuzzTokens(f *testing.F) {
	for _, seed := range []string{
		"token={access}", "token={refresh}", "token={refresh}&token_type_hint=refresh_token", "token={access}&token_type_hint=refresh_token",
		"token={access}&token={access}", "token={access}.", "token={refresh}%00", "token=&token_type_hint=%zz", "x={access}&token=x", "%74oken={access}",
		`{"token":"{access}"}`, `{"token":"{refresh}","token_type_hint":"refresh_token"}`, `{"token":["{access}"]}`, `{"token":null}`,
		"token={access}&client_id=c1", "token={access}&client_secret=x", "token={access}&client_id=c2", " token={access}", "token={access}+",
	} {
		f.Add(seed)
	}
	c := goodConfig(f)
	store := &ending{Store: c.Storage.(*memory.Store)}
	secret := aClient(f, c)
	c.Storage, c.Revocations, c.Logger, c.AccessTokenLifetime = store, store, discard, 24*time.Hour
	c.Grants = map[string]grants.Grant{grants.TypeClientCredentials: grants.ClientCredentials{Refresh: true}, grants.TypeRefreshToken: grants.RefreshToken{}}
	h := newHandler(f, c)
	response, claims := token(f, ask(h, secret, "grant_type=client_credentials"))
	access, refresh := response["access_token"].(string), response["refresh_token"].(string)
	record, err := store.Credential(f.Context(), storage.PresentedSecret(refresh).Digest(storage.KindRefreshToken))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body string) {
		text := strings.NewReplacer("{access}", access, "{refresh}", refresh).Replace(body)
		for contentType, sent := range map[string]url.Values{
			"application/x-www-form-urlencoded": formOf(text), "application/json": objectOf(text),
		} {
			store.ended = nil
			revoked, told := askAbout(h.Revocation(), secret, contentType, text), askAbout(h.Introspection(), secret, contentType, text)
			if revoked.Code >= 500 || told.Code >= 500 || revoked.Code != told.Code || revoked.Code != 200 && revoked.Body.String() != told.Body.String() {
				t.Fatalf("%q: got %d %s and %d %s, want one answer", text, revoked.Code, revoked.Body, told.Code, told.Body)
			}
			whole := func(token string) bool { return revoked.Code == 200 && slices.Equal(sent["token"], []string{token}) }
			want := map[bool][]string{true: {claims["jti"].(string)}}[whole(access)]
			if whole(refresh) {
				want = []string{record.Family}
			}
			if !slices.Equal(store.ended, want) || revoked.Code == 200 && revoked.Body.String() != "{}" {
				t.Errorf("%q: got %d %s, and %q was revoked, want %q", text, revoked.Code, revoked.Body, store.ended, want)
			}
			active := whole(access) || whole(refresh) && slices.Equal(sent["token_type_hint"], []string{"refresh_token"})
			if told.Code == 200 && (told.Body.String() == `{"active":false}`) == active {
				t.Errorf("%q: got %s, want active: %t", text, told.Body, active)
			}
		}
	})
}

func askAbout(h http.Handler, secret, contentType, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	r.SetBasicAuth("c1", secret)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// formOf and objectOf read as much as they can with the standard library. They
// read every input that the endpoint accepts as the endpoint does, see FuzzForm
// and FuzzJSON.
func formOf(body string) url.Values {
	v, _ := url.ParseQuery(body)
	maps.DeleteFunc(v, func(_ string, values []string) bool { return len(values) == 1 && values[0] == "" })
	return v
}

func objectOf(body string) url.Values {
	var m map[string]any
	json.Unmarshal([]byte(body), &m)
	v := make(url.Values)
	for name, value := range m {
		if s, ok := value.(string); ok {
			v.Set(name, s)
		}
	}
	return v
}
