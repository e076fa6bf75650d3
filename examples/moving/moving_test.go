package moving

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/examples/internal/ask"
	"github.com/contit/oauth/examples/internal/blocks"
	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/jws"
)

const issuer = "https://auth.example.com"

// servers are the former servers in the order of the README.
var servers = []struct {
	name string
	read func(row []byte) (*storage.Client, error)
	want *storage.Client
	key  func(token string) string
	// token is a refresh token of the former server, and stored is the value in its table.
	token, stored string
}{
	{"IdentityServer", fromIdentityServer, shopFromIdentityServer, identityServerKey, identityServerToken, hashed(identityServerToken+":refresh_token", true)},
	{"OpenIddict", fromOpenIddict, shopFromOpenIddict, openIddictKey, "a-reference-token", hashed("a-reference-token", false)},
	{"fosite", fromFosite, shopFromFosite, fositeKey([]byte("a-global-secret-of-32-bytes-long")),
		"uHb92e2rDEOzVy7n82VJekCoEfwzSLDHhK8YD_RC5rQ.VrtwESqQTyXS-N2Z1Qri617p-oSyl4eDoFI_ZzPoMcI", "VrtwESqQTyXS-N2Z1Qri617p-oSyl4eDoFI_ZzPoMcI"}, // by fosite 0.49.0
	{"go-oauth2", func(row []byte) (*storage.Client, error) {
		return fromGoOAuth2(row, []string{"orders"}, []string{"https://app.example.com/callback"})
	}, shopFromGoOAuth2, goOAuth2Key, "ZMJHYTYWYJETYZVMNS01MZRMLTG4Y2ETNMM0ODBMYMYWZGNK", "ZMJHYTYWYJETYZVMNS01MZRMLTG4Y2ETNMM0ODBMYMYWZGNK"},
}

const identityServerToken = "D6F636DF19D11D1D3342A6CD445B67547AE2E3391D4587A189717F57DB5A6836-1"

func hashed(text string, inHex bool) string {
	sum := sha256.Sum256([]byte(text))
	if inHex {
		return strings.ToUpper(hex.EncodeToString(sum[:]))
	}
	return base64.StdEncoding.EncodeToString(sum[:])
}

// newEndpoint makes an endpoint with a client and a session that were carried over.
func newEndpoint(t *testing.T, client *storage.Client, s session, key func(string) string) *tokenendpoint.Handler {
	t.Helper()
	store := new(memory.Store)
	if err := store.PutClient(context.Background(), client); err != nil {
		t.Fatal(err)
	}
	if err := carryOver(context.Background(), store, issuer, s, time.Now()); err != nil {
		t.Fatal(err)
	}
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := jws.NewKeySet(jws.Key{Signer: signer})
	if err != nil {
		t.Fatal(err)
	}
	endpoint, err := tokenendpoint.New(tokenendpoint.Config{
		Issuer: issuer, Audience: []string{"https://api.example.com"}, Keys: keys,
		Storage: store, Revocations: store, AuthorizationEndpoint: issuer + "/login", Logger: slog.New(slog.DiscardHandler),
		Grants: map[string]grants.Grant{
			grants.TypeAuthorizationCode: grants.AuthorizationCode{},
			grants.TypeClientCredentials: grants.ClientCredentials{},
			grants.TypeRefreshToken:      refresh{Key: key},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return endpoint
}

// TestMoving reads each client of the README, compares it with the code beside it, and
// lets the client go on: with the secret that it has, and with the refresh token that
// it has.
func TestMoving(t *testing.T) {
	rows := blocks.Of(t, "README.md", "json")
	if len(rows) != len(servers) {
		t.Fatalf("the README has %d clients, want %d", len(rows), len(servers))
	}
	for i, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			client, err := s.read([]byte(rows[i]))
			if err != nil {
				t.Fatal(err)
			}
			want := s.want.Clone()
			if s.name == "go-oauth2" { // its hash has a salt
				want.Secrets[0].Hash = client.Secrets[0].Hash
			}
			if !reflect.DeepEqual(client, want) {
				t.Errorf("the client is\n%+v\nthe README says\n%+v", client, want)
			}
			synctest.Test(t, func(t *testing.T) {
				goOn(t, client, session{
					Key: s.stored, ClientID: client.ID, UserID: "42", Scope: []string{"orders"}, ExpiresAt: time.Now().Add(24 * time.Hour),
				}, s.token, s.key)
			})
		})
	}
}

// TestEndOfASecret: a secret keeps its end, in each spelling of IdentityServer. A secret
// whose end cannot be read is not carried over as one without an end.
func TestEndOfASecret(t *testing.T) {
	at := time.Date(2031, 5, 1, 12, 30, 0, 0, time.UTC)
	for end, want := range map[string]time.Time{
		`null`: {}, `"2031-05-01T12:30:00"`: at, `"2031-05-01T12:30:00Z"`: at, `"2031-05-01T12:30:00.5"`: at.Add(time.Second / 2),
	} {
		if got, err := withSecretUntil(end); err != nil || !got.Secrets[0].ExpiresAt.Equal(want) {
			t.Errorf("an Expiration of %s: got %+v, %v, want %s", end, got, err, want)
		}
	}
	for _, end := range []string{`"2031-05-01T12:30:00+02:00"`, `"tomorrow"`, `1935405000`} {
		if got, err := withSecretUntil(end); err == nil {
			t.Errorf("an Expiration of %s: got %+v, want an error", end, got)
		}
	}
}

func withSecretUntil(end string) (*storage.Client, error) {
	return fromIdentityServer([]byte(`{"ClientId":"shop","AllowedGrantTypes":["client_credentials"],"AllowedScopes":["orders"],
		"ClientSecrets":[{"Value":"K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=","Expiration":` + end + `}]}`))
}

// goOn acts as a client that knows nothing of the move.
func goOn(t *testing.T, client *storage.Client, s session, token string, key func(string) string) {
	t.Helper()
	endpoint := newEndpoint(t, client, s, key)
	refresh := func(secret, token string) ask.Answer {
		return ask.Token(endpoint, "grant_type", "refresh_token", "client_id", client.ID, "client_secret", secret, "refresh_token", token)
	}
	if got := refresh("wrong", token); got.Text("error") != "invalid_client" {
		t.Errorf("a wrong secret gets %v, want invalid_client", got)
	}
	for _, forged := range []string{"made-up", s.Key + "x", "." + s.Key, s.Key[:len(s.Key)-1]} {
		if got := refresh("secret", forged); got.Text("error") != "invalid_grant" {
			t.Errorf("the refresh token %q gets %v, want invalid_grant", forged, got)
		}
	}
	first := refresh("secret", token)
	if first.String() != "200 orders" || !strings.HasPrefix(first.Text("refresh_token"), "rt_") {
		t.Fatalf("the former refresh token gets %v, want tokens of this server", first)
	}
	second := refresh("secret", first.Text("refresh_token"))
	if second.String() != "200 orders" {
		t.Errorf("the next refresh gets %v, want 200", second)
	}
	time.Sleep(time.Minute)
	if got := refresh("secret", token); got.Text("error") != "invalid_grant" {
		t.Errorf("the former refresh token gets %v a second time, want invalid_grant", got)
	}
	if got := refresh("secret", second.Text("refresh_token")); got.Text("error") != "invalid_grant" {
		t.Errorf("after the replay of the former refresh token its session gets %v, want invalid_grant", got)
	}
}

// TestStolenTable: a value in the former table is no token for a thief, where the former
// server kept a hash or a signature.
func TestStolenTable(t *testing.T) {
	for _, s := range servers[:3] {
		if s.key(s.stored) == s.stored {
			t.Errorf("%s: the text in the table is good as a token", s.name)
		}
	}
}

// TestIdentityServerKey holds the key against the test data of Duende IdentityServer.
func TestIdentityServerKey(t *testing.T) {
	if got, want := hashed(identityServerToken+":authorization_code", true), "625258A82BB3DB8CEFDF1A0E6C5562E5BD4157DFE4BF9F9B2612FAA2B48A6DEB"; got != want {
		t.Errorf("the key of a code is %s, want %s", got, want)
	}
	if got := identityServerKey(identityServerToken); len(got) != 64 || got != strings.ToUpper(got) {
		t.Errorf("the key of a token since version 6 is %s, want hexadecimal digits", got)
	}
	if got := identityServerKey(strings.TrimSuffix(identityServerToken, "-1")); len(got) != 44 {
		t.Errorf("the key of a token before version 6 is %s, want base64", got)
	}
}

// TestUpgrade: at the first success the hash of the former server is replaced.
func TestUpgrade(t *testing.T) {
	store := new(memory.Store)
	if err := store.PutClient(t.Context(), shopFromIdentityServer); err != nil {
		t.Fatal(err)
	}
	validator := newValidator(store, slog.New(slog.DiscardHandler))
	_, err := validator.ValidateClient(t.Context(), clientauth.Request{
		ID: "shop", Secret: storage.PresentedSecret("secret"), Method: storage.ClientSecretPost, Time: time.Now(),
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := store.Client(t.Context(), "shop")
	if err != nil || !strings.HasPrefix(c.Secrets[0].Hash, "$argon2id$") {
		t.Errorf("the client has %+v (%v), want a hash of argon2id", c, err)
	}
}

// TestGuide executes the blocks of the README. TestMoving reads those of JSON.
func TestGuide(t *testing.T) {
	blocks.Guide(t, "moving", map[string]func(*testing.T, string){"json": func(*testing.T, string) {}})
}
