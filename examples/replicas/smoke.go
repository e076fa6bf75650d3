//go:build unix

package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"golang.org/x/oauth2"
)

// smoke makes requests to the endpoint at base that succeed only if the replicas act
// as one, and prints each step. It ends at the first wrong answer.
func smoke(ctx context.Context, base string, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	c := &smokeClient{base: strings.TrimSuffix(base, "/")}
	for _, step := range []struct {
		rule string
		run  func(context.Context) error
	}{
		{"a code redeemed at one replica is refused by the other", c.codeOnce},
		{"a refresh token goes from one replica to the other, and one key set verifies what both give", c.refreshHops},
	} {
		if err := step.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.rule, err)
		}
		fmt.Fprintln(out, "ok ", step.rule)
	}
	return nil
}

// enough is how many requests reach both replicas, however many others ask.
const enough = 20

type smokeClient struct{ base string }

// refreshHops redeems a code, refreshes until both replicas have taken part,
// and verifies the token of each with the key set that was fetched first.
func (c *smokeClient) refreshHops(ctx context.Context) error {
	var keys jose.JSONWebKeySet
	if _, err := c.call(ctx, http.MethodGet, "/.well-known/jwks.json", nil, &keys); err != nil {
		return err
	}
	form, err := c.codeRequest(ctx)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for range enough {
		token, err := c.token(ctx, form)
		if err != nil {
			return err
		}
		if err := verify(token.AccessToken, &keys); err != nil {
			return fmt.Errorf("the token of %s: %w", token.servedBy, err)
		}
		if seen[token.servedBy] = true; len(seen) > 1 {
			return nil
		}
		form = url.Values{"grant_type": {"refresh_token"}, "client_id": {publicID}, "refresh_token": {token.RefreshToken}}
	}
	return errOneReplica
}

// verify checks an access token as a resource server does (RFC 9068 §4).
func verify(token string, keys *jose.JSONWebKeySet) error {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return err
	}
	var claims jwt.Claims
	if err := parsed.Claims(keys, &claims); err != nil {
		return err
	}
	return claims.Validate(jwt.Expected{Issuer: issuer, AnyAudience: jwt.Audience{audience}, Time: time.Now()})
}

// codeOnce redeems a code, and presents it again until the other replica has
// refused it too.
func (c *smokeClient) codeOnce(ctx context.Context) error {
	form, err := c.codeRequest(ctx)
	if err != nil {
		return err
	}
	first, err := c.token(ctx, form)
	if err != nil {
		return err
	}
	for range enough {
		again, err := c.token(ctx, form)
		var refused *refusal
		switch {
		case err == nil:
			return fmt.Errorf("redeemed at %s and again at %s", first.servedBy, again.servedBy)
		case !errors.As(err, &refused) || refused.Code != "invalid_grant":
			return err
		case refused.servedBy != first.servedBy:
			return nil
		}
	}
	return errOneReplica
}

var errOneReplica = errors.New("the same replica answers every time")

// codeRequest is the token request for a fresh code.
func (c *smokeClient) codeRequest(ctx context.Context) (url.Values, error) {
	verifier := rand.Text() + rand.Text() // RFC 7636 §4.1: 43 characters or more
	var page struct{ Code string }
	_, err := c.call(ctx, http.MethodGet, "/demo/code?code_challenge="+oauth2.S256ChallengeFromVerifier(verifier), nil, &page)
	return url.Values{
		"grant_type": {"authorization_code"}, "client_id": {publicID}, "redirect_uri": {redirectURI},
		"code": {page.Code}, "code_verifier": {verifier},
	}, err
}

type smokeToken struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	servedBy     string
}

// refusal is an answer that is not 200.
type refusal struct {
	status   int
	servedBy string
	Code     string `json:"error"`
}

func (r *refusal) Error() string {
	return fmt.Sprintf("%s answers %d %s", r.servedBy, r.status, r.Code)
}

func (c *smokeClient) token(ctx context.Context, form url.Values) (*smokeToken, error) {
	t := new(smokeToken)
	var err error
	t.servedBy, err = c.call(ctx, http.MethodPost, "/connect/token", form, t)
	return t, err
}

// call returns the name of the replica that answered. Its error is a *refusal if
// there is an answer.
func (c *smokeClient) call(ctx context.Context, method, path string, form url.Values, into any) (servedBy string, err error) {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	servedBy = resp.Header.Get("X-Served-By")
	if resp.StatusCode != http.StatusOK {
		refused := &refusal{status: resp.StatusCode, servedBy: servedBy}
		json.NewDecoder(resp.Body).Decode(refused) // an unreadable answer has no code
		return servedBy, refused
	}
	return servedBy, json.NewDecoder(resp.Body).Decode(into)
}
