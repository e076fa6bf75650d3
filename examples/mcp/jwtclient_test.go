package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/assertion"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/jws"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/jwt"
)

// robots is a service that signs for its robots with golang.org/x/oauth2/jwt.
type robots struct {
	pem    []byte
	keys   *jws.StaticKeys
	client *storage.Client
	secret string
}

const robotIssuer = "robots@factory.example"

func newRobots(t *testing.T) *robots {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	keys, err := jws.ParseJWKS(fmt.Appendf(nil, `{"keys":[{"kty":"RSA","kid":"factory","n":%q,"e":%q}]}`,
		encode(key.N.Bytes()), encode(big.NewInt(int64(key.E)).Bytes())))
	if err != nil {
		t.Fatal(err)
	}
	secret, hash := clientauth.NewSecret()
	return &robots{
		pem:  pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
		keys: keys, secret: secret.Reveal(),
		client: &storage.Client{
			ID: "robots", Secrets: []storage.ClientSecret{{ID: "1", Hash: hash}},
			GrantTypes: []string{assertion.TypeJWTBearer}, Scope: []string{scopeRead},
		},
	}
}

// trusted is the server's knowledge of the service. Its library makes an assertion
// without a jti, which cannot be told from a copy: so it is Reusable, or refused.
func (r *robots) trusted(reusable bool) func(issuer string) assertion.TrustedIssuer {
	return func(issuer string) assertion.TrustedIssuer {
		return assertion.TrustedIssuer{
			Config: assertion.Config{
				Issuer: robotIssuer, Keys: r.keys, Audience: []string{issuer}, Reusable: reusable,
				MaxLifetime: 2 * time.Hour, // the library signs for an hour, unless Expires says otherwise
			},
			Authorize: func(_ context.Context, _ *grants.Request, c *assertion.Claims) (*grants.Authorization, error) {
				return &grants.Authorization{Subject: "robot:" + c.Subject, Scope: []string{scopeRead}}, nil
			},
		}
	}
}

// config is how a program calls the library. The user part of the URL is how its
// client authenticates: net/http makes Basic of it.
func (r *robots) config(d *deployment, claims map[string]any) *jwt.Config {
	return &jwt.Config{
		Email: robotIssuer, PrivateKey: r.pem, PrivateKeyID: "factory", Subject: "arm-7", Scopes: []string{scopeRead},
		Audience: d.base, PrivateClaims: claims,
		TokenURL: strings.Replace(d.base, "http://", "http://robots:"+r.secret+"@", 1) + "/connect/token",
	}
}

// TestXOAuth2JWT plays a program that uses golang.org/x/oauth2/jwt.
func TestXOAuth2JWT(t *testing.T) {
	r := newRobots(t)
	wantRefused := func(t *testing.T, code string, c *jwt.Config) {
		t.Helper()
		_, err := c.TokenSource(t.Context()).Token()
		var refused *oauth2.RetrieveError
		if !errors.As(err, &refused) || !strings.Contains(string(refused.Body), `"`+code+`"`) {
			t.Errorf("got %v, want %s", err, code)
		}
	}
	t.Run("an issuer whose assertions are reusable", func(t *testing.T) {
		d := serve(t, []*storage.Client{r.client}, r.trusted(true))
		for range 2 { // an assertion for each, in the same second
			token, err := r.config(d, nil).TokenSource(t.Context()).Token()
			if err != nil {
				t.Fatal(err)
			}
			if !token.Valid() || token.TokenType != "Bearer" || token.Extra("scope") != scopeRead {
				t.Errorf("got %v, type %q, scope %v", token.Valid(), token.TokenType, token.Extra("scope"))
			}
		}
		answer, err := r.config(d, nil).Client(t.Context()).Post(d.mcpURL(), "application/json", strings.NewReader(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden {
			t.Errorf("the API answered %s, want the token let in", answer.Status)
		}
	})
	t.Run("a jti of its own, used once", func(t *testing.T) {
		d := serve(t, []*storage.Client{r.client}, r.trusted(false))
		c := r.config(d, map[string]any{"jti": rand.Text()})
		if _, err := c.TokenSource(t.Context()).Token(); err != nil {
			t.Fatal(err)
		}
		wantRefused(t, "invalid_grant", c) // the library repeats PrivateClaims
	})
	t.Run("refused", func(t *testing.T) {
		d := serve(t, []*storage.Client{r.client}, r.trusted(false))
		wantRefused(t, "invalid_grant", r.config(d, nil)) // no jti
		c := r.config(d, map[string]any{"jti": rand.Text()})
		c.Audience = "" // the URL of the token endpoint then, with the secret in it
		wantRefused(t, "invalid_grant", c)
		c = r.config(d, map[string]any{"jti": rand.Text()})
		c.TokenURL = d.base + "/connect/token" // and no client
		wantRefused(t, "invalid_request", c)
	})
}
