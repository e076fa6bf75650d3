package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// probe is one question that a stranger can ask an endpoint over the network.
type probe struct {
	// name is the name in the README.
	name string
	// ask returns the fault, or nil.
	ask func(ctx context.Context) error
}

// site is an endpoint under question.
type site struct {
	issuer string
	client *http.Client // follows no redirect
	found  struct {
		Issuer        string `json:"issuer"`
		TokenEndpoint string `json:"token_endpoint"`
		JWKS          string `json:"jwks_uri"`
	}
}

// newSite asks through a client, which may be http.DefaultClient.
func newSite(issuer string, c *http.Client) *site {
	own := *c
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	own.Timeout = 10 * time.Second
	return &site{issuer: issuer, client: &own}
}

// probes returns the probes in the order of the README.
func (s *site) probes() []probe {
	return []probe{
		{"https", s.https},
		{"metadata", s.metadata},
		{"keys", s.keys},
		{"body", s.body},
		{"refusal", s.refusal},
		{"method", s.method},
		{"cors", s.cors},
		{"clock", s.clock},
	}
}

func (s *site) https(context.Context) error {
	if u, err := url.Parse(s.issuer); err != nil || u.Scheme != "https" || u.Host == "" {
		return errors.New("the issuer is no https URL: secrets and tokens would go in the clear")
	}
	return nil
}

// metadata finds the other addresses (RFC 8414 §3).
func (s *site) metadata(ctx context.Context) error {
	u, err := url.Parse(s.issuer)
	if err != nil {
		return err
	}
	u.Path = "/.well-known/oauth-authorization-server" + strings.TrimSuffix(u.Path, "/")
	a, err := s.get(ctx, u.String(), nil)
	if err != nil {
		return err
	}
	if a.StatusCode != http.StatusOK || json.Unmarshal(a.body, &s.found) != nil {
		return fmt.Errorf("%s answers %s and no metadata: does the proxy pass this path on?", u, a.Status)
	}
	if s.found.Issuer != s.issuer {
		return fmt.Errorf("the metadata is of %q: Config.Issuer and the address of clients differ", s.found.Issuer)
	}
	return nil
}

func (s *site) keys(ctx context.Context) error {
	if s.found.JWKS == "" {
		return errors.New("the metadata has no jwks_uri")
	}
	a, err := s.get(ctx, s.found.JWKS, nil)
	if err != nil {
		return err
	}
	var set struct{ Keys []map[string]any }
	switch err := json.Unmarshal(a.body, &set); {
	case err != nil || len(set.Keys) == 0:
		return fmt.Errorf("%s has no keys", s.found.JWKS)
	case !strings.Contains(a.Header.Get("Cache-Control"), "max-age"):
		return errors.New("the keys come without max-age: a proxy has changed the headers")
	}
	for _, key := range set.Keys {
		if key["d"] != nil {
			return errors.New("a private key is published: make new keys at once")
		}
	}
	return nil
}

// body sends a whole form with a client that does not exist.
func (s *site) body(ctx context.Context) error {
	a, code, err := s.stranger(ctx, nil)
	if err != nil {
		return err
	}
	if code != "invalid_client" {
		return fmt.Errorf("a whole request gets %s %s, and not invalid_client: does a proxy or middleware read the body?", a.Status, code)
	}
	return nil
}

func (s *site) refusal(ctx context.Context) error {
	a, _, err := s.stranger(ctx, nil)
	switch {
	case err != nil:
		return err
	case a.StatusCode != http.StatusUnauthorized:
		return fmt.Errorf("an unknown client gets %s, and not 401", a.Status)
	case a.Header.Get("Cache-Control") != "no-store":
		return errors.New("the answer may be cached: a proxy has changed Cache-Control")
	}
	return nil
}

func (s *site) method(ctx context.Context) error {
	a, err := s.get(ctx, s.found.TokenEndpoint, nil)
	if err == nil && a.StatusCode != http.StatusMethodNotAllowed {
		err = fmt.Errorf("GET gets %s, and not 405: does a redirect or another handler stand before the endpoint?", a.Status)
	}
	return err
}

func (s *site) cors(ctx context.Context) error {
	a, _, err := s.stranger(ctx, http.Header{"Origin": {"https://stranger.invalid"}})
	if err == nil && a.Header.Get("Access-Control-Allow-Origin") != "" {
		err = errors.New("scripts of every origin may read the answers: list the origins in Config.AllowedOrigins, and let no middleware answer for the endpoint")
	}
	return err
}

func (s *site) clock(ctx context.Context) error {
	a, err := s.get(ctx, s.found.TokenEndpoint, nil)
	if err != nil {
		return err
	}
	at, err := http.ParseTime(a.Header.Get("Date"))
	if err != nil {
		return errors.New("the answer has no Date")
	}
	if d := time.Since(at); d.Abs() > 5*time.Second {
		return fmt.Errorf("the clock of the server differs from this one by %s", d.Round(time.Second))
	}
	return nil
}

// stranger asks for a token as a client that does not exist, and returns the error
// code of the answer.
func (s *site) stranger(ctx context.Context, header http.Header) (*answer, string, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"no-such-client"}, "client_secret": {"no-such-secret"}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.found.TokenEndpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	a, err := s.do(r, header)
	if err != nil {
		return nil, "", err
	}
	var body struct{ Error string }
	_ = json.Unmarshal(a.body, &body) // without JSON there is no code
	return a, body.Error, nil
}

func (s *site) get(ctx context.Context, address string, header http.Header) (*answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	return s.do(r, header)
}

// answer is a response with its body.
type answer struct {
	*http.Response
	body []byte
}

func (s *site) do(r *http.Request, header http.Header) (*answer, error) {
	for name, value := range header {
		r.Header[name] = value
	}
	w, err := s.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer w.Body.Close()
	body, err := io.ReadAll(io.LimitReader(w.Body, 1<<20))
	return &answer{w, body}, err
}
