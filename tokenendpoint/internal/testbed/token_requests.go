package testbed

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// Access makes an access token of a client that belongs to no family.
func (f *Fixture) Access(p *Party) string {
	f.Helper()
	return f.Secret(f.Send(ClientCredentials(p)).Tokens().AccessToken)
}

// Pair makes an access token and a refresh token of one family.
func (f *Fixture) Pair(p *Party) Tokens {
	f.Helper()
	got := f.Send(f.Redeem(p, f.Code(p))).Tokens()
	f.Secret(got.AccessToken)
	return got
}

// Next uses a refresh token.
func (f *Fixture) Next(p *Party, token string) Tokens {
	f.Helper()
	got := f.Send(Refresh(p, token)).Tokens()
	f.Secret(got.AccessToken)
	return got
}

// Reader registers a resource server that is an audience of everybody's tokens:
// its identifier is in their aud.
func (f *Fixture) Reader() *Party {
	f.Helper()
	p := f.NewClient(&storage.Client{ID: "api"})
	f.Store.Set(func(s *Spy) {
		s.EditClient = func(c *storage.Client) {
			if c.ID != p.ID {
				c.Audience = []string{Audience, p.ID}
			}
		}
	})
	return p
}

// Ended asserts the response to a revocation that succeeded (RFC 7009 §2.2,
// ruling R22).
func (r *Reply) Ended() {
	r.T.Helper()
	if r.Status != http.StatusOK || r.Body != "{}" {
		r.T.Errorf("%s: got %d %q, want 200 {}", Short(r.Sent.Text()), r.Status, r.Body)
		return
	}
	r.Envelope()
}

// Inactive asserts the one response to an introspection that tells nothing (RFC
// 7662 §2.2).
func (r *Reply) Inactive() {
	r.T.Helper()
	if r.Status != http.StatusOK || r.Body != `{"active":false}` {
		r.T.Errorf("%s: got %d %q, want 200 and that it is not active", Short(r.Sent.Text()), r.Status, r.Body)
		return
	}
	r.Envelope()
}

// Active asserts the response to an introspection that tells something, and
// returns its members.
func (r *Reply) Active() map[string]any {
	r.T.Helper()
	if r.Status != http.StatusOK {
		r.T.Fatalf("%s: got %d %s, want 200", Short(r.Sent.Text()), r.Status, r.Body)
	}
	m := r.Envelope()
	if m["active"] != true {
		r.T.Fatalf("%s: got %s, want that it is active", Short(r.Sent.Text()), r.Body)
	}
	return m
}

// Living asserts that tokens can be used and that introspection calls them
// active.
func (f *Fixture) Living(p *Party, access ...string) {
	f.Helper()
	for _, token := range access {
		f.Send(Introspect(p, token)).Active()
	}
}

// Gone asserts that introspection calls access tokens not active.
func (f *Fixture) Gone(p *Party, access ...string) {
	f.Helper()
	for _, token := range access {
		f.Send(Introspect(p, token)).Inactive()
	}
}

// ByID is the client with this identifier, whose secret was drawn.
func (f *Fixture) ByID(id string) *Party {
	f.Helper()
	p, ok := f.parties[id]
	if !ok {
		f.Fatalf("there is no client %s", id)
	}
	return p
}

// PayloadOf is the payload of a token, as it stands.
func PayloadOf(f *Fixture, token string) []byte {
	f.Helper()
	payload, _, err := jws.Verify(f.Context(), f.Keys, token, jws.TypeAccessToken, time.Now())
	if err != nil {
		f.Fatalf("the access token: %v", err)
	}
	return payload
}

// JSONNumber is a number as members decodes it.
func JSONNumber(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }

// NoTokens are texts that are none of the endpoint's access and refresh tokens,
// though some could be taken for one.
func (f *Fixture) NoTokens() map[string]string {
	f.Helper()
	access := f.Access(f.C1)
	unsigned := strings.Split(access, ".")
	unsigned[0] = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"at+jwt"}`))
	none := map[string]string{
		"garbage":                   "x",
		"a refresh token of nobody": storage.NewSecret(grants.RefreshTokenPrefix).Reveal(),
		"a bad checksum":            grants.RefreshTokenPrefix + access[:49],
		"a code":                    f.Code(f.C1),
		"an API key":                f.APIKey(f.C1),
		"two dots":                  "..",
		"a cut token":               access[:len(access)-1],
		"a longer token":            access + "A",
		"a token with a space":      access + " ",
		"another signature":         access[:len(access)-8] + "AAAAAAAA",
		"an ID token of our key":    f.Signed("JWT", func(*jws.AccessToken) {}),
		"a token of another issuer": f.Signed(jws.TypeAccessToken, func(t *jws.AccessToken) { t.Issuer = Issuer + "/other" }),
		"a token with alg none":     unsigned[0] + "." + unsigned[1] + ".",
	}
	for _, s := range none {
		f.Secret(s)
	}
	return none
}

// Signed makes a token with the endpoint's own key.
func (f *Fixture) Signed(typ string, change func(*jws.AccessToken)) string {
	f.Helper()
	at := time.Now()
	token := jws.AccessToken{
		Issuer: Issuer, Subject: "u1", ClientID: f.C1.ID, ID: "jti", Audience: []string{Audience},
		IssuedAt: at, ExpiresAt: at.Add(time.Hour),
	}
	change(&token)
	payload, err := token.AppendJSON(nil)
	if err != nil {
		f.Fatal(err)
	}
	text, err := f.Keys.Sign(f.Context(), typ, payload, at)
	if err != nil {
		f.Fatal(err)
	}
	return f.Secret(text)
}
